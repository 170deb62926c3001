/**
 * Where peers and the limit send their bytes: two HTTP servers in one process, as the stand-ins are, that hash what
 * comes and forget it. One makes Dropbox's content hash, the other an MD5 as Google Drive does. Prints one JSON line
 * with both addresses; tells the parent process on request what came; stops when stdin ends.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { ContentHash } from '../../src/stages/stand-ins/digests.ts'
import { answerParent } from './answer-parent.ts'

/** One upload that came to its end. */
export interface Upload {
  readonly bytes: number
  /** Of one sink as of the other for the same bytes: CRC-32 of the first 64 KiB of each MiB. */
  readonly sample: number
  /** In hex, as the service that the sink plays gives it: contentHash, or MD5. */
  readonly digest: string
  /** The last 16 KiB, base64. */
  readonly end: string
}

export interface Uploads {
  readonly dropbox: readonly Upload[]
  readonly googleDrive: readonly Upload[]
}

interface Hasher {
  update(chunk: Uint8Array): void
  hex(): string
}

const END_BYTES = 16 * 1024
/** A digest of everything would take 5 % of what a peer takes, which the stand-ins do not charge ours with. */
const SAMPLE_EVERY = 1024 * 1024
const SAMPLE_BYTES = 64 * 1024

class Incoming {
  #bytes = 0
  #sample = 0
  #end: Buffer = Buffer.alloc(0)
  readonly #hasher: Hasher

  constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  add(chunk: Buffer): void {
    this.#hasher.update(chunk)
    for (let at = 0; at < chunk.length;) {
      const phase = (this.#bytes + at) % SAMPLE_EVERY
      const isSampled = phase < SAMPLE_BYTES
      const end = Math.min(chunk.length, at + (isSampled ? SAMPLE_BYTES : SAMPLE_EVERY) - phase)
      if (isSampled) this.#sample = crc32(chunk.subarray(at, end), this.#sample)
      at = end
    }
    this.#bytes += chunk.length
    const all = chunk.length >= END_BYTES ? chunk : Buffer.concat([this.#end, chunk])
    this.#end = all.subarray(-END_BYTES)
  }

  done(): Upload {
    const [bytes, sample, end] = [this.#bytes, this.#sample, this.#end.toString('base64')]
    return { bytes, sample, digest: this.#hasher.hex(), end }
  }
}

interface Sink {
  readonly server: Server
  readonly url: string
  readonly uploads: Upload[]
}

async function listen(hasher: () => Hasher): Promise<Sink> {
  const uploads: Upload[] = []
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const incoming = new Incoming(hasher())
    request.on('data', (chunk: Buffer) => {
      incoming.add(chunk)
    })
    request.on('end', () => {
      uploads.push(incoming.done())
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, uploads, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.zip` }
}

const dropbox = await listen(() => {
  const hash = new ContentHash()
  return {
    update: (chunk) => {
      hash.update(chunk)
    },
    hex: () => hash.digests().contentHash,
  }
})
const drive = await listen(() => {
  const hash = createHash('md5')
  return { update: (chunk) => hash.update(chunk), hex: () => hash.digest('hex') }
})
answerParent((): Uploads => {
  return { dropbox: dropbox.uploads.splice(0), googleDrive: drive.uploads.splice(0) }
})
process.stdout.write(`${JSON.stringify({ dropbox: dropbox.url, googleDrive: drive.url })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
process.disconnect()
for (const { server } of [dropbox, drive]) {
  server.close()
  server.closeAllConnections()
}
