/** list_folder, get_metadata, create_folder_v2, delete_v2, download. */

import { json, Refusal } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { download } from '../download.ts'
import type { z } from 'zod'
import type { Account, Call } from './account.ts'
import type {
  continueArgument,
  createFolderArgument,
  deleteArgument,
  downloadArgument,
  listArgument,
  metadataArgument,
} from './arguments.ts'
import { badCall, refuse } from './errors.ts'
import { metadata } from './tree.ts'
import type { Entry } from './tree.ts'

/** A cursor says where a listing stands; it is opaque to clients. */
interface Cursor {
  readonly generation: number
  readonly folder: string
  readonly recursive: boolean
  readonly limit: number
  /** The last path that was listed. */
  readonly after: string
}

export function list({ account, argument }: Call<z.infer<typeof listArgument>>): Answer {
  if (argument.path === '/')
    throw new Refusal(
      badCall(
        'files/list_folder',
        'request body: path: Specify the root folder as an empty string rather than as "/".',
      ),
    )
  let folder = ''
  if (argument.path !== '') {
    const entry = existing(account, argument.path, 'path')
    if (entry.kind === 'file') throw refuse('path', 'not_folder')
    folder = entry.path
  }
  const { recursive, limit = 500 } = argument
  return page(account, { generation: account.cursorGeneration, folder, recursive, limit, after: '' })
}

export function listMore({ account, argument }: Call<z.infer<typeof continueArgument>>): Answer {
  let cursor: Cursor
  try {
    cursor = JSON.parse(Buffer.from(argument.cursor, 'base64url').toString()) as Cursor
  } catch {
    throw new Refusal(badCall('files/list_folder/continue', 'request body: cursor: Invalid "cursor" parameter'))
  }
  if (cursor.generation !== account.cursorGeneration) throw refuse('reset')
  if (cursor.folder !== '' && account.tree.find(cursor.folder) === null) throw refuse('path', 'not_found')
  return page(account, cursor)
}

function page(account: Account, cursor: Cursor): Answer {
  const all = account.tree
    .below(cursor.folder, cursor.recursive)
    .filter((entry) => entry.path.toLowerCase() > cursor.after)
  const entries = all.slice(0, Math.min(cursor.limit, account.pageEntries))
  const after = entries.at(-1)?.path.toLowerCase() ?? cursor.after
  return json(200, {
    entries: entries.map((entry) => metadata(entry, true)),
    cursor: Buffer.from(JSON.stringify({ ...cursor, after })).toString('base64url'),
    has_more: all.length > entries.length,
  })
}

export function getMetadata({ account, argument }: Call<z.infer<typeof metadataArgument>>): Answer {
  return json(200, metadata(existing(account, argument.path, 'path'), true))
}

export function createFolder({ account, argument }: Call<z.infer<typeof createFolderArgument>>): Answer {
  const { tree } = account
  const path = tree.writable(argument.path, 'path')
  const there = tree.find(path)
  if (there !== null && !argument.autorename) throw refuse('path', 'conflict', there.kind)
  return json(200, { metadata: metadata(tree.makeFolder(there === null ? path : tree.freeName(path)), false) })
}

export async function remove({ account, argument }: Call<z.infer<typeof deleteArgument>>): Promise<Answer> {
  const entry = existing(account, argument.path, 'path_lookup')
  if (argument.parent_rev !== undefined && (entry.kind === 'folder' || entry.rev !== argument.parent_rev))
    throw refuse('path_write', 'conflict', entry.kind)
  for (const file of account.tree.delete(entry)) await file.blob.remove()
  return json(200, { metadata: metadata(entry, true) })
}

export async function downloadFile({
  account,
  exchange,
  argument,
}: Call<z.infer<typeof downloadArgument>>): Promise<Answer> {
  await exchange.drain()
  await exchange.at('before-commit')
  const entry = existing(account, argument.path, 'path')
  if (entry.kind === 'folder') throw refuse('path', 'not_file')
  const result = asciiJson(metadata(entry, false))
  return download(entry.blob, entry.bytes, exchange.header('range'), { 'dropbox-api-result': result })
}

function existing(account: Account, path: string, at: string): Entry {
  if (path.startsWith('/') && /\/(\/|$)/.test(path)) throw refuse(at, 'malformed_path')
  const entry = account.tree.find(path)
  if (entry === null) throw refuse(at, 'not_found')
  return entry
}

/** JSON for a header: everything outside printable ASCII as \uXXXX. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
