/** A plain HTTP client for the stand-ins: nothing retried, nothing hidden. */

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { Agent, IncomingHttpHeaders } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { startDriveStandIn, startDropboxStandIn } from '../../../src/stages/stand-ins/index.ts'
import type { DriveStandInOptions, DropboxStandInOptions } from '../../../src/stages/stand-ins/index.ts'

export const UNIT = 256 * 1024
export const BLOCK = 4 * 1024 * 1024
export const TOKEN = 'given-token'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown
  /** What stands in the JSON at a path of names with `/` between; undefined when there is nothing. */
  readonly at: (path: string) => unknown
}

export interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: Buffer | string
  readonly agent?: Agent
  readonly signal?: AbortSignal
}

/** One request. Rejects with the socket's error (`code`) when no answer comes. */
export function call(url: string, options: CallOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', headers = {}, body = '', agent, signal } = options
    const length = { 'content-length': Buffer.byteLength(body) }
    const outgoing = request(
      url,
      { method, headers: { ...length, ...headers }, agent: agent ?? false, ...(signal && { signal }) },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1')
          const json = parsed(text)
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            json,
            at: (path) => dig(json, path),
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function dig(value: unknown, path: string): unknown {
  return path.split('/').reduce((below, name) => (below as Record<string, unknown> | null | undefined)?.[name], value)
}

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'stand-in-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** JSON for a header: other characters than ASCII as \\uXXXX. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A Dropbox stand-in with a folder that ends with the test, and calls to it that carry a good token. */
export async function dropbox(t: TestContext, options: Partial<DropboxStandInOptions> = {}) {
  const storage = options.storage ?? { folder: await temporaryFolder(t) }
  const standIn = await startDropboxStandIn({ accessTokens: [TOKEN], ...options, storage })
  t.after(() => standIn.close())
  const headers = { authorization: `Bearer ${TOKEN}` }
  const upload = (route: string, argument: unknown, body: Buffer | string = '', more: CallOptions = {}) =>
    call(`${standIn.origin}/2/files/upload_session/${route}`, {
      ...more,
      headers: {
        ...headers,
        'content-type': 'application/octet-stream',
        'dropbox-api-arg': asciiJson(argument),
        ...more.headers,
      },
      body,
    })
  const rpc = (route: string, argument: unknown = null, more: CallOptions = {}) =>
    call(`${standIn.origin}/2/${route}`, {
      ...more,
      headers: { ...headers, 'content-type': 'application/json', ...more.headers },
      body: JSON.stringify(argument),
    })
  const start = async (argument: object = {}, body: Buffer | string = ''): Promise<string> =>
    (await upload('start', argument, body)).at('session_id') as string
  const append = (id: string, offset: number, body: Buffer | string, more: object = {}, options: CallOptions = {}) =>
    upload('append_v2', { cursor: { session_id: id, offset }, ...more }, body, options)
  const finish = (id: string, offset: number, commit: object | string, body: Buffer | string = '', more: object = {}) =>
    upload(
      'finish',
      {
        cursor: { session_id: id, offset },
        commit: typeof commit === 'string' ? { path: commit } : commit,
        ...more,
      },
      body,
    )
  /** A whole file in one finish. */
  const put = async (commit: object | string, body: Buffer | string) => finish(await start(), 0, commit, body)
  return { standIn, upload, rpc, start, append, finish, put }
}

/** A Google Drive stand-in with a folder that ends with the test, and calls to it that carry a good token. */
export async function drive(t: TestContext, options: Partial<DriveStandInOptions> = {}) {
  const storage = options.storage ?? { folder: await temporaryFolder(t) }
  const standIn = await startDriveStandIn({ accessTokens: [TOKEN], ...options, storage })
  t.after(() => standIn.close())
  const headers = { authorization: `Bearer ${TOKEN}` }
  const api = (method: string, pathAndQuery: string, body: object | null = null, more: CallOptions = {}) =>
    call(`${standIn.origin}${pathAndQuery}`, {
      ...more,
      method,
      headers: { ...headers, 'content-type': 'application/json; charset=UTF-8', ...more.headers },
      body: body === null ? '' : JSON.stringify(body),
    })
  const begin = (metadata: object = { name: 'x.zip' }, query = '', more: CallOptions = {}) =>
    api('POST', `/upload/drive/v3/files?uploadType=resumable${query}`, metadata, more)
  const session = async (metadata?: object, query?: string): Promise<string> =>
    (await begin(metadata, query)).headers.location ?? ''
  const send = (address: string, range: string, body: Buffer | string = '', more: CallOptions = {}) =>
    call(address, { method: 'PUT', ...more, headers: { ...headers, 'content-range': range, ...more.headers }, body })
  /** A chunk that starts at `start`. */
  const put = (address: string, start: number, body: Buffer, total: number | '*' = '*', more: CallOptions = {}) =>
    send(address, `bytes ${start}-${start + body.length - 1}/${total}`, body, more)
  const query = (address: string, total: number | '*' = '*', more: CallOptions = {}) =>
    send(address, `bytes */${total}`, '', more)
  /** A whole file. */
  const file = async (metadata: object, body: Buffer, fields = '&fields=*') =>
    put(await session(metadata, fields), 0, body, body.length)
  const list = (q: string, more = '') =>
    api('GET', `/drive/v3/files?q=${encodeURIComponent(q)}&fields=nextPageToken,files(id,name)${more}`)
  return { standIn, api, begin, session, send, put, query, file, list }
}

/** Bytes that no two calls share. */
export const bytes = (length: number): Buffer => randomBytes(length)

export function md5(content: Buffer): string {
  return createHash('md5').update(content).digest('hex')
}

/** Dropbox's content hash, straight from its definition. */
export function contentHash(content: Buffer): string {
  const blocks: Buffer[] = []
  for (let at = 0; at < content.length; at += BLOCK)
    blocks.push(
      createHash('sha256')
        .update(content.subarray(at, at + BLOCK))
        .digest(),
    )
  return createHash('sha256').update(Buffer.concat(blocks)).digest('hex')
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

/** Whether a promise settles within some ms; for what must hang. */
export async function settles(promise: Promise<unknown>, ms = 150): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(resolve, ms, false))
  const done = promise.then(
    () => true,
    () => true,
  )
  return Promise.race([done, late])
}

/** Resolves once `condition` holds; rejects when it has not for 20 s. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 600_000; !condition();) {
    if (performance.now() > end) throw new Error('It never came to that.')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
