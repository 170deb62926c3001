/**
 * Where peers and the limit send their bytes: two HTTP servers in one process, as the stand-ins are, that hash what
 * comes and forget it. One makes Dropbox's content hash, the other an MD5 as Google Drive does. Prints one JSON line
 * with both addresses; stops when stdin ends.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ContentHash } from '../src/stages/stand-ins/digests.ts'

interface Hasher {
  update(chunk: Uint8Array): void
}

async function listen(hasher: () => Hasher): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const hash = hasher()
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
    })
    request.on('end', () => response.end(`${bytes}\n`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.zip` }
}

const dropbox = await listen(() => new ContentHash())
const drive = await listen(() => createHash('md5'))
process.stdout.write(`${JSON.stringify({ dropbox: dropbox.url, googleDrive: drive.url })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
for (const { server } of [dropbox, drive]) {
  server.close()
  server.closeAllConnections()
}
