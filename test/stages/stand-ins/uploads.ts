/** An upload under way at either stand-in, moved by hand. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { TestContext } from 'node:test'
import type { StandIn } from '../../../src/stages/stand-ins/index.ts'
import { bytes, collect, contentHash, drive, dropbox, md5, TOKEN, UNIT } from './support.ts'
import type { CallOptions, Reply } from './support.ts'

/** An upload of `content` under way at one of the services: the same three moves for both. */
export interface Upload {
  readonly standIn: StandIn
  /** The routes that a part and the last part go to. */
  readonly routes: { readonly part: string; readonly last: string }
  part(start: number, body: Buffer, options?: CallOptions): Promise<Reply>
  last(start: number, body: Buffer): Promise<Reply>
  /** Asks how many bytes are held. */
  held(): Promise<number>
  /** Whether the one stored object is `content`. */
  stored(content: Buffer): boolean
}

async function dropboxUpload(t: TestContext): Promise<Upload> {
  const { standIn, start, append, finish } = await dropbox(t)
  const id = await start()
  return {
    standIn,
    routes: { part: 'append', last: 'finish' },
    part: (offset, body, options) => append(id, offset, body, {}, options),
    last: (offset, body) => finish(id, offset, '/a.zip', body),
    held: async () => (await append(id, 999_999_999, '')).at('error/correct_offset') as number,
    stored: (content) => standIn.objects()[0]?.digests['contentHash'] === contentHash(content),
  }
}

async function driveUpload(t: TestContext): Promise<Upload> {
  const { standIn, session, put, query } = await drive(t)
  const address = await session()
  return {
    standIn,
    routes: { part: 'chunk', last: 'final' },
    part: (offset, body, options) => put(address, offset, body, '*', options),
    last: (offset, body) => put(address, offset, body, offset + body.length),
    async held() {
      const { range } = (await query(address)).headers
      return range === undefined ? 0 : Number(range.split('-')[1]) + 1
    },
    stored: (content) => standIn.objects()[0]?.digests['md5'] === md5(content),
  }
}

export const CONTENT = bytes(4 * UNIT)
export const PART = CONTENT.subarray(0, 2 * UNIT)
export const reset = { code: /^(ECONNRESET|EPIPE)$/ }

/** The rest of the upload, from what is held to the end, gives the right object. */
export async function finishes(upload: Upload): Promise<void> {
  const held = await upload.held()
  assert.ok((await upload.last(held, CONTENT.subarray(held))).status === 200)
  assert.ok(upload.stored(CONTENT))
  const [object] = upload.standIn.objects()
  assert.deepEqual(await collect(upload.standIn.read(object!)), CONTENT)
  assert.deepEqual(upload.standIn.faults.unused(), [])
}

/** The status that comes while a body much bigger than any buffer is still on its way. */
export function earlyStatus(upload: Upload, service: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const [path, method, header] =
      service === 'Dropbox'
        ? (['/2/files/upload_session/append_v2', 'POST', { 'dropbox-api-arg': '{}' }] as const)
        : ([
            '/upload/drive/v3/files?upload_id=x',
            'PUT',
            { 'content-range': `bytes 0-${64 * 1024 * 1024 - 1}/*` },
          ] as const)
    const headers = { ...header, authorization: `Bearer ${TOKEN}`, 'content-length': 64 * 1024 * 1024 }
    const outgoing = request(`${upload.standIn.origin}${path}`, { method, headers, agent: false }, (answer) => {
      answer.resume()
      answer.once('end', () => {
        outgoing.destroy()
        resolve(answer.statusCode ?? 0)
      })
    })
    outgoing.on('error', reject)
    outgoing.write(bytes(1024 * 1024))
  })
}

/** Each service with what begins an upload at its stand-in. */
export const SERVICES = [
  ['Dropbox', dropboxUpload],
  ['Google Drive', driveUpload],
] as const
