/**
 * `node limit.ts ROOT 0 URL URL`: the machine's own limit. The files' bytes, read one after the other and sent to both
 * addresses, with nothing between: no ZIP, no digest, no journal, no memory of where it was.
 */
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { filesBelow } from './files.ts'
import { openUploads } from './to-sinks.ts'

/** More would only wait in the connection's buffers. */
const PIECE_BYTES = 1024 * 1024

const [root = '', , ...urls] = process.argv.slice(2)
const { bodies, done } = openUploads(urls)
for (const file of filesBelow(root)) {
  const handle = openSync(file, 'r')
  const { size } = fstatSync(handle)
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, size - at))
    if (readSync(handle, piece) !== piece.length) throw new Error(`${file} has become shorter`)
    await Promise.all(bodies.map(async (body) => (body.write(piece) ? undefined : await once(body, 'drain'))))
  }
  closeSync(handle)
}
for (const body of bodies) body.end()
await done
