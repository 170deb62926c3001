import { randomUUID } from 'node:crypto'
import type { Commit, Destination, StoredObject, Upload } from '../../src/pipeline/destination.ts'
import { ObjectDigest } from '../../src/pipeline/digest.ts'
import { abortError, BackupError } from '../../src/pipeline/errors.ts'

export interface MemoryDestination extends Destination {
  readonly objects: ReadonlyMap<string, Buffer>
  /** Calls that reached the far side. */
  readonly calls: readonly string[]
}

export interface MemoryOptions {
  readonly requestBytes?: number
  /** Called before each call; what it throws, the call rejects with. */
  readonly before?: (call: string, n: number) => void | Promise<void>
}

const sizeOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

/** The smallest whole destination: it keeps objects in memory. */
export function memoryDestination(
  name: string,
  { requestBytes = 4 << 20, before }: MemoryOptions = {},
): MemoryDestination {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, { object: string; held: Buffer[] }>()
  const calls: string[] = []
  const enter = async (call: string, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted === true) throw abortError(signal)
    calls.push(call)
    await before?.(call, calls.length)
  }
  const stored = (object: string): StoredObject | null => {
    const bytes = objects.get(object)
    if (bytes === undefined) return null
    const digest = new ObjectDigest()
    digest.update(bytes)
    return { id: object, path: `/${object}`, bytes: bytes.length, digest: digest.digests().contentHash }
  }
  const open = (token: string): Upload => {
    const session = (): { object: string; held: Buffer[] } => {
      const found = uploads.get(token)
      if (found === undefined) throw new BackupError('E_SESSION', `${name}: the upload is gone.`, { remedy: 'restart' })
      return found
    }
    const put = (offset: number, chunks: readonly Uint8Array[]): number => {
      const { held } = session()
      if (sizeOf(held) !== offset) throw new BackupError('E_OFFSET', `${name}: wrong offset.`, { remedy: 'resume' })
      held.push(...chunks.map((chunk) => Buffer.from(chunk)))
      return sizeOf(held)
    }
    return {
      token,
      async held(signal) {
        await enter('held', signal)
        return sizeOf(session().held)
      },
      async append(offset, chunks, signal) {
        await enter('append', signal)
        return put(offset, chunks)
      },
      async commit(commit: Commit, signal) {
        await enter('commit', signal)
        put(commit.offset, commit.tail)
        const { object, held } = session()
        objects.set(object, Buffer.concat(held))
        const result = stored(object)
        if (result?.digest !== commit.digests.contentHash || result.bytes !== commit.bytes) {
          objects.delete(object)
          throw new BackupError('E_INTEGRITY', `${name}: not what was sent.`)
        }
        return result
      },
      abort() {
        uploads.delete(token)
        return Promise.resolve()
      },
    }
  }
  return {
    name,
    type: 'memory',
    objects,
    calls,
    traits: { requestMultiple: 1, maxObjectBytes: null, digest: 'contentHash', requestBytes: () => requestBytes },
    async signIn(signal) {
      await enter('signIn', signal)
      return { label: name, freeBytes: null }
    },
    async begin(object, signal) {
      await enter('begin', signal)
      const token = randomUUID()
      uploads.set(token, { object, held: [] })
      return open(token)
    },
    async resume(token, signal) {
      await enter('resume', signal)
      return open(token)
    },
    async stat(object, signal) {
      await enter('stat', signal)
      return stored(object)
    },
    async remove(object, signal) {
      await enter('remove', signal)
      objects.delete(object.id)
    },
    close: () => Promise.resolve(),
  }
}
