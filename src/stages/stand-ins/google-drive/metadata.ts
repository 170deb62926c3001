/** The metadata of a file that is to be made. */

import { z } from 'zod'
import { Refusal } from '../answer.ts'
import type { Account, Holder } from './account.ts'
import { visible } from './account.ts'
import { apiError, insufficientFilePermissions, invalid, notFound } from './errors.ts'
import { blank, FOLDER, ROOT } from './files.ts'
import type { DriveFile } from './files.ts'

const schema = z.looseObject({
  id: z.string().optional(),
  name: z.string().min(1).optional(),
  mimeType: z.string().optional(),
  parents: z.array(z.string()).optional(),
  description: z.string().optional(),
  trashed: z.boolean().optional(),
  appProperties: z.record(z.string(), z.string().nullable()).optional(),
  createdTime: z.iso.datetime({ offset: true }).optional(),
  modifiedTime: z.iso.datetime({ offset: true }).optional(),
})

export type Metadata = z.infer<typeof schema>

export function parseMetadata(source: string): Metadata {
  let value: unknown
  try {
    value = JSON.parse(source === '' ? '{}' : source)
  } catch {
    throw new Refusal(apiError(400, 'parseError', 'Parse Error'))
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    throw invalid(`Invalid value for: ${parsed.error.issues[0]?.path.map(String).join('.') ?? 'body'}`)
  return parsed.data
}

/** The file that the metadata describe, with an id and a parent. `contentType`: when they name no type. */
export function draft(account: Account, holder: Holder, given: Metadata, contentType: string | null): DriveFile {
  const { files } = account
  if (given.id !== undefined) checkId(account, given.id)
  const parents = given.parents ?? ['root']
  if (parents.length !== 1) throw invalid('A file must have exactly one parent.')
  const parent = visible(account, holder, parents[0] ?? '')
  if (parent?.mimeType !== FOLDER) throw new Refusal(notFound(parents[0] ?? ''))
  if (parent.isReadOnly === true) throw new Refusal(insufficientFilePermissions(parent.id))
  const now = new Date(account.clock()).toISOString()
  const base = blank(now)
  return {
    ...base,
    id: given.id ?? files.issueId(),
    name: given.name ?? base.name,
    mimeType: given.mimeType ?? contentType ?? base.mimeType,
    parents: [parent.id === 'root' ? ROOT : parent.id],
    appProperties: properties({}, given.appProperties),
    description: given.description ?? null,
    createdTime: given.createdTime ?? now,
    modifiedTime: given.modifiedTime ?? now,
  }
}

/** An id is one that generateIds gave, and is used once. */
export function checkId(account: Account, id: string): void {
  if (account.files.find(id) !== null)
    throw new Refusal(apiError(409, 'fileIdInUse', 'A file already exists with the provided ID.'))
  if (!account.files.isIssued(id)) throw invalid('The provided file ID is not usable.', 'file.id')
}

/** What a PATCH leaves of a file. */
export function changed(account: Account, file: DriveFile, given: Metadata): DriveFile {
  return {
    ...file,
    name: given.name ?? file.name,
    mimeType: given.mimeType ?? file.mimeType,
    trashed: given.trashed ?? file.trashed,
    description: given.description ?? file.description,
    appProperties: properties(file.appProperties, given.appProperties),
    modifiedTime: given.modifiedTime ?? new Date(account.clock()).toISOString(),
  }
}

/** A property that is set to null goes away. */
function properties(old: Readonly<Record<string, string>>, given: Metadata['appProperties']): Record<string, string> {
  const all = Object.entries({ ...old, ...given })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null))
}
