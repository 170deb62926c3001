import { promisify } from 'node:util'
import { constants, createInflateRaw, inflateRaw } from 'node:zlib'
import { fromReadable } from '../../pipeline/flow/from-readable.ts'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { BadData } from './bad-data.ts'

/** Content of this size is inflated at once. */
const WHOLE_BYTES = 4 * 1024 * 1024

/**
 * Inflates raw deflate data of `packed` bytes into content of `size` bytes; both must be just that. Throws BadData, at
 * once when there is more; what the source throws it throws as it is. A piece stays valid.
 */
export async function* inflated(
  data: AsyncIterable<Uint8Array>,
  { packed, size }: { readonly packed: number; readonly size: number },
): AsyncGenerator<Uint8Array> {
  if (Math.max(packed, size) <= WHOLE_BYTES) {
    const whole = await inflateAtOnce(await collect(data, packed), size)
    if (whole.length > 0) yield whole
    return
  }
  const inflate = createInflateRaw({ chunkSize: 256 * 1024 })
  const source: { error: unknown } = { error: null }
  const feeding = feed(data, inflate).catch((error: unknown) => {
    source.error = error
    inflate.destroy(error instanceof Error ? error : undefined)
  })
  let bytes = 0
  try {
    for await (const piece of fromReadable(inflate)) {
      bytes += piece.length
      if (bytes > size) throw tooMuch()
      yield piece
    }
    mustFit({ bytes, size, consumed: inflate.bytesWritten, packed })
  } catch (error) {
    throw source.error ?? asBadData(error)
  } finally {
    inflate.destroy()
    await feeding
  }
}

/** The first bytes, `most` at most, of what inflates from the first bytes of raw deflate data. Throws BadData. */
export async function inflatedHead(data: Uint8Array, most: number): Promise<Buffer> {
  const inflate = createInflateRaw({ chunkSize: Math.max(64, most), finishFlush: constants.Z_SYNC_FLUSH })
  inflate.end(data)
  try {
    for await (const piece of fromReadable(inflate)) return piece.subarray(0, most)
  } catch (error) {
    throw asBadData(error)
  }
  return Buffer.alloc(0)
}

async function collect(data: AsyncIterable<Uint8Array>, bytes: number): Promise<Buffer> {
  const all = Buffer.allocUnsafe(bytes)
  let filled = 0
  for await (const piece of data) {
    all.set(piece, filled)
    filled += piece.length
  }
  return all
}

export interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** How content of `size` bytes is inflated at once: with room for a byte more, so that too much shows. */
export const inflateWhole = (size: number): { info: true; chunkSize: number; maxOutputLength: number } => ({
  info: true,
  chunkSize: Math.max(64, size + 1),
  maxOutputLength: Math.max(1, size),
})

const inflateWithInfo = promisify(
  (data: Buffer, size: number, done: (error: Error | null, result: Inflated) => void): void => {
    inflateRaw(data, inflateWhole(size), (error, result) => {
      done(error, result as unknown as Inflated)
    })
  },
)

async function inflateAtOnce(data: Buffer, size: number): Promise<Buffer> {
  try {
    const { buffer, engine } = await inflateWithInfo(data, size)
    mustFit({ bytes: buffer.length, size, consumed: engine.bytesWritten, packed: data.length })
    return buffer
  } catch (error) {
    throw asBadData(error)
  }
}

async function feed(data: AsyncIterable<Uint8Array>, inflate: ReturnType<typeof createInflateRaw>): Promise<void> {
  for await (const piece of data) {
    // It ended, or nobody wants more of it.
    if (inflate.destroyed || inflate.readableEnded) return
    // Until it is called back, it uses the piece, and that is not valid any longer than the next is asked for.
    await new Promise<void>((resolve) => {
      inflate.once('close', resolve)
      inflate.write(piece, () => {
        inflate.off('close', resolve)
        resolve()
      })
    })
  }
  inflate.end()
}

/** Throws BadData when data were not just what their sizes say. */
export function mustFit(found: { bytes: number; size: number; consumed: number; packed: number }): void {
  if (found.bytes > found.size) throw tooMuch()
  if (found.bytes < found.size) throw new BadData(`its content has ${found.bytes} bytes and not ${found.size}`)
  if (found.consumed !== found.packed) throw new BadData('it has data after its end')
}

const tooMuch = (): BadData => new BadData('it has more content than its size')

/** What zlib throws because of the data as BadData; anything else as it is. */
export function asBadData(error: unknown): unknown {
  const code = systemCode(error)
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooMuch()
  if (code === 'Z_BUF_ERROR') return new BadData('its data ends too early')
  return code.startsWith('Z_') ? new BadData('its data cannot be inflated') : error
}
