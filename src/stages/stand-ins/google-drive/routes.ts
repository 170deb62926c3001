/** Which request is which route. */

import { Refusal, text } from '../answer.ts'
import { TOKEN_ROUTE } from '../server.ts'
import type { Route, Service } from '../server.ts'
import type { Account } from './account.ts'
import { parseContentRange } from './content-range.ts'
import { list } from './list.ts'
import { about, create, generateIds, get, remove, update } from './metadata-routes.ts'
import { token } from './token.ts'
import { begin, cancel, put } from './upload.ts'

const API_HOST = 'www.googleapis.com'
const TOKEN_HOST = 'oauth2.googleapis.com'

export function driveService(account: Account): Service {
  return {
    route(method, url, request) {
      const isToken = url.pathname === '/token'
      const host = request.headers['x-forwarded-host'] ?? null
      if (host !== null && host !== (isToken ? TOKEN_HOST : API_HOST))
        return wrong(404, `${url.pathname} is not served by ${String(host)}.`)
      if (isToken) {
        if (method !== 'POST') return wrong(405, `Method ${method} is not allowed here.`)
        return { name: TOKEN_ROUTE, run: (exchange) => token(account, exchange) }
      }
      if (url.pathname === '/upload/drive/v3/files')
        return upload(account, method, url, request.headers['content-range'])
      return metadata(account, method, url)
    },
    headers: () => ({ 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' }),
    expireTokens() {
      account.tokens.expireAll()
    },
    fillQuota() {
      account.quotaBytes = account.files.usedBytes()
    },
  }
}

function upload(account: Account, method: string, url: URL, range: string | undefined): Route {
  const id = url.searchParams.get('upload_id')
  if (id === null) {
    if (method !== 'POST' || url.searchParams.get('uploadType') !== 'resumable')
      return wrong(400, 'This stand-in takes resumable uploads only.')
    return { name: 'begin', run: (exchange) => begin(account, exchange) }
  }
  if (method === 'DELETE') return { name: 'cancel', run: (exchange) => cancel(account, exchange, id) }
  if (method !== 'PUT' && method !== 'POST') return wrong(405, `Method ${method} is not allowed here.`)
  return { name: putName(range), run: (exchange) => put(account, exchange, id) }
}

/** A request without bytes is a `query` even where it ends the upload; one that names the total is `final`. */
function putName(range: string | undefined): string {
  const parsed = range === undefined ? null : parseContentRange(range)
  if (parsed?.kind === 'query') return 'query'
  return range !== undefined && parsed?.total === null ? 'chunk' : 'final'
}

function metadata(account: Account, method: string, url: URL): Route {
  const path = url.pathname.replace(/^\/drive\/v3\//, '')
  if (path === url.pathname) return wrong(404, 'Not Found')
  if (path === 'about' && method === 'GET') return { name: 'about', run: (exchange) => about(account, exchange) }
  if (path === 'files' && method === 'GET') return { name: 'list', run: (exchange) => list(account, exchange) }
  if (path === 'files' && method === 'POST') return { name: 'create', run: (exchange) => create(account, exchange) }
  if (path === 'files/generateIds' && method === 'GET')
    return { name: 'generate-ids', run: (exchange) => generateIds(account, exchange) }
  const id = /^files\/([^/]+)$/.exec(path)?.[1]
  if (id === undefined) return wrong(404, 'Not Found')
  if (method === 'GET') {
    const name = url.searchParams.get('alt') === 'media' ? 'download' : 'get'
    return { name, run: (exchange) => get(account, exchange, id) }
  }
  if (method === 'PATCH') return { name: 'update', run: (exchange) => update(account, exchange, id) }
  if (method === 'DELETE') return { name: 'delete', run: (exchange) => remove(account, exchange, id) }
  return wrong(405, `Method ${method} is not allowed here.`)
}

function wrong(status: number, what: string): Route {
  return { name: 'unknown', run: () => Promise.reject(new Refusal(text(status, what))) }
}
