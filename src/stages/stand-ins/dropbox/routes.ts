/** Which request is which route, and what a call has to look like before its handler runs. */

import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { Refusal, text } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { TOKEN_ROUTE } from '../server.ts'
import type { Route, Service } from '../server.ts'
import { bearer } from '../tokens.ts'
import type { Account, Call } from './account.ts'
import * as schemas from './arguments.ts'
import { badCall, missingScope, unauthorized } from './errors.ts'
import { createFolder, downloadFile, getMetadata, list, listMore, remove } from './files.ts'
import { token } from './token.ts'
import { append, finish, start } from './upload.ts'
import { currentAccount, spaceUsage } from './users.ts'

type Style = 'rpc' | 'upload' | 'download'
type Handler = (account: Account, exchange: Exchange, path: string) => Promise<Answer>

interface Definition {
  /** As scripts and logs call it. */
  readonly name: string
  readonly style: Style
  readonly run: Handler
}

const HOSTS: Readonly<Record<Style, string>> = {
  rpc: 'api.dropboxapi.com',
  upload: 'content.dropboxapi.com',
  download: 'content.dropboxapi.com',
}

function define<T extends z.ZodType>(
  name: string,
  style: Style,
  schema: T,
  handler: (call: Call<z.infer<T>>) => Answer | Promise<Answer>,
): Definition {
  return {
    name,
    style,
    async run(account, exchange, path) {
      checkToken(account, exchange, path)
      checkScope(account, path)
      checkContentType(exchange, path, style)
      const argument = await readArgument(exchange, path, style, schema)
      if (style === 'rpc') await exchange.at('before-commit')
      return handler({ account, exchange, argument })
    },
  }
}

const ROUTES: Readonly<Record<string, Definition>> = {
  'files/upload_session/start': define('start', 'upload', schemas.startArgument, start),
  'files/upload_session/append_v2': define('append', 'upload', schemas.appendArgument, append),
  'files/upload_session/finish': define('finish', 'upload', schemas.finishArgument, finish),
  'files/download': define('download', 'download', schemas.downloadArgument, downloadFile),
  'files/list_folder': define('list', 'rpc', schemas.listArgument, list),
  'files/list_folder/continue': define('list-more', 'rpc', schemas.continueArgument, listMore),
  'files/get_metadata': define('metadata', 'rpc', schemas.metadataArgument, getMetadata),
  'files/create_folder_v2': define('create-folder', 'rpc', schemas.createFolderArgument, createFolder),
  'files/delete_v2': define('delete', 'rpc', schemas.deleteArgument, remove),
  'users/get_space_usage': define('space', 'rpc', schemas.noArgument, ({ account }) => spaceUsage(account)),
  'users/get_current_account': define('account', 'rpc', schemas.noArgument, () => currentAccount()),
}

export function dropboxService(account: Account): Service {
  return {
    route(method, url, request) {
      const host = request.headers['x-forwarded-host'] ?? null
      const isToken = url.pathname === '/oauth2/token'
      const path = url.pathname.replace(/^\/2\//, '')
      const definition = url.pathname.startsWith('/2/') ? ROUTES[path] : undefined
      if (!isToken && definition === undefined) return wrong(404, `Unknown API function: "${path}"`)
      if (method !== 'POST') return wrong(405, `Method ${method} is not allowed here.`)
      if (host !== null && host !== HOSTS[definition?.style ?? 'rpc'])
        return wrong(404, `API function "${path}" is not served by ${String(host)}.`)
      if (definition === undefined) return { name: TOKEN_ROUTE, run: (exchange) => token(account, exchange) }
      return { name: definition.name, run: (exchange) => definition.run(account, exchange, path) }
    },
    headers: () => ({ server: 'envoy', 'x-dropbox-request-id': randomBytes(16).toString('hex') }),
    expireTokens() {
      account.tokens.expireAll()
    },
    fillQuota() {
      account.quotaBytes = account.tree.usedBytes()
    },
  }
}

function wrong(status: number, what: string): Route {
  return { name: 'unknown', run: () => Promise.reject(new Refusal(text(status, what))) }
}

function checkToken(account: Account, exchange: Exchange, path: string): void {
  const given = bearer(exchange.header('authorization'))
  if (given === null)
    throw new Refusal(badCall(path, 'Must provide HTTP header "Authorization" or URL parameter "authorization".'))
  const found = account.tokens.find(given)
  if (found === 'unknown') throw new Refusal(unauthorized('invalid_access_token'))
  if (found === 'expired') throw new Refusal(unauthorized('expired_access_token'))
}

/** files.stone and users.stone, attribute `scope`. */
function scopeOf(path: string): string {
  if (path.startsWith('users/')) return 'account_info.read'
  if (path === 'files/download') return 'files.content.read'
  return path.startsWith('files/list_folder') || path === 'files/get_metadata'
    ? 'files.metadata.read'
    : 'files.content.write'
}

function checkScope(account: Account, path: string): void {
  const scope = scopeOf(path)
  const lacks = account.missingScopes.get(scope)
  if (lacks !== undefined) throw new Refusal(missingScope(path, scope, lacks))
}

const CORS = 'text/plain; charset=dropbox-cors-hack'
const CONTENT_TYPES: Readonly<Record<Style, readonly string[]>> = {
  rpc: ['application/json', 'application/json; charset=utf-8', CORS],
  upload: ['application/octet-stream', CORS],
  download: [
    'application/octet-stream',
    'application/octet-stream; charset=utf-8',
    'text/plain',
    'text/plain; charset=utf-8',
    CORS,
  ],
}

function checkContentType(exchange: Exchange, path: string, style: Style): void {
  const given = exchange.header('content-type')
  if (given === null && (style === 'download' || exchange.length === 0)) return
  const fits = CONTENT_TYPES[style]
  if (given !== null && fits.includes(given.toLowerCase())) return
  const list = fits.map((type) => `"${type}"`).join(', ')
  throw new Refusal(badCall(path, `Bad HTTP "Content-Type" header: "${given ?? ''}".  Expecting one of ${list}.`))
}

async function readArgument<T extends z.ZodType>(
  exchange: Exchange,
  path: string,
  style: Style,
  schema: T,
): Promise<z.infer<T>> {
  if (style === 'rpc') {
    const body = await exchange.text()
    return schemas.parseArgument(schema, body === '' ? 'null' : body, path, 'request body')
  }
  const where = 'HTTP header "Dropbox-API-Arg"'
  const header = exchange.header('dropbox-api-arg')
  const given = header ?? exchange.url.searchParams.get('arg')
  if (given === null) throw new Refusal(badCall(path, `${where}: missing`))
  if (header !== null && /[^\x20-\x7e]/.test(header))
    throw new Refusal(badCall(path, `${where}: not ASCII; write other characters as \\uXXXX`))
  return schemas.parseArgument(schema, given, path, where)
}
