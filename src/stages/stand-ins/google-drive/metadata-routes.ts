/** files.get (and alt=media), create, update, delete, generateIds; about.get. */

import { json, Refusal } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { download } from '../download.ts'
import type { Exchange } from '../exchange.ts'
import type { Account, Holder } from './account.ts'
import { caller, quotaOf, visible, writer } from './account.ts'
import { apiError, flaggedFile, notFound } from './errors.ts'
import { maskOf, pick } from './fields.ts'
import { DEFAULT_FIELDS, ROOT } from './files.ts'
import type { DriveFile } from './files.ts'
import { changed, draft, parseMetadata } from './metadata.ts'
import { count, enter } from './parameters.ts'

export async function get(account: Account, exchange: Exchange, id: string): Promise<Answer> {
  const file = known(account, caller(account, exchange), id)
  await enter(exchange)
  if (exchange.url.searchParams.get('alt') !== 'media') return resource(account, exchange, file)
  if (file.content === null)
    throw new Refusal(apiError(403, 'fileNotDownloadable', 'Only files with binary content can be downloaded.'))
  const acknowledged = exchange.url.searchParams.get('acknowledgeAbuse') === 'true'
  if (file.flagged !== undefined && !(acknowledged && file.flagged === 'owned')) throw new Refusal(flaggedFile())
  return download(file.content.blob, file.content.bytes, exchange.header('range'), {})
}

/** A file without content: a folder, mostly. */
export async function create(account: Account, exchange: Exchange): Promise<Answer> {
  const holder = writer(account, exchange)
  const file = draft(account, holder, parseMetadata(await exchange.text()), null)
  await exchange.at('before-commit')
  return resource(account, exchange, account.files.put(file))
}

export async function update(account: Account, exchange: Exchange, id: string): Promise<Answer> {
  const file = known(account, writer(account, exchange), id)
  const metadata = parseMetadata(await exchange.text())
  await exchange.at('before-commit')
  return resource(account, exchange, account.files.put(changed(account, file, metadata)))
}

/** Deletes for good, past the trash. */
export async function remove(account: Account, exchange: Exchange, id: string): Promise<Answer> {
  const file = known(account, writer(account, exchange), id)
  if (file.id === ROOT) throw new Refusal(apiError(403, 'insufficientFilePermissions', 'The root cannot be deleted.'))
  await enter(exchange)
  for (const gone of account.files.delete(file.id)) await gone.content?.blob.remove()
  return { status: 204 }
}

export async function generateIds(account: Account, exchange: Exchange): Promise<Answer> {
  writer(account, exchange)
  await enter(exchange)
  const size = count(exchange, 'count', 10)
  const ids = Array.from({ length: size }, () => account.files.issueId())
  return json(200, { kind: 'drive#generatedIds', space: 'drive', ids })
}

export async function about(account: Account, exchange: Exchange): Promise<Answer> {
  const holder = caller(account, exchange)
  await enter(exchange)
  const fields = exchange.url.searchParams.get('fields')
  if (fields === null) {
    const where = { location: 'fields', locationType: 'parameter' }
    throw new Refusal(apiError(400, 'required', "The 'fields' parameter is required for this method.", where))
  }
  const limit = quotaOf(account, holder)
  const usage = account.files.usedBytes()
  const value = {
    kind: 'drive#about',
    user: {
      kind: 'drive#user',
      displayName: 'Backup Account',
      me: true,
      permissionId: '1',
      emailAddress: holder.email,
    },
    storageQuota: {
      ...(limit !== null && { limit: String(limit) }),
      usage: String(usage),
      usageInDrive: String(usage),
      usageInDriveTrash: String(account.files.usedBytes(true)),
    },
    maxUploadSize: '5497558138880',
  }
  return json(200, pick(value, maskOf(fields, null)))
}

function known(account: Account, holder: Holder, id: string): DriveFile {
  const file = visible(account, holder, id)
  if (file === null) throw new Refusal(notFound(id))
  return file
}

async function resource(account: Account, exchange: Exchange, file: DriveFile): Promise<Answer> {
  const mask = maskOf(exchange.url.searchParams.get('fields'), DEFAULT_FIELDS)
  return json(200, await account.files.resource(file, mask))
}
