/** The arguments of Dropbox's routes, as its specification types them: unknown fields and wrong types are refused. */

import { z } from 'zod'
import { Refusal } from '../answer.ts'
import { badCall } from './errors.ts'

/** A union whose members without fields may be written as a bare string. */
const tagged = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? { '.tag': value } : value), schema)

const offset = z.int().nonnegative()
const hash = z.string().length(64).optional()
const cursor = z.strictObject({ session_id: z.string(), offset })
/** The patterns of the specification's WritePath and ReadPath; what they let through may still be a malformed path. */
const writePath = z.string().regex(/^(\/(.|[\r\n])*|ns:[0-9]+(\/.*)?|id:.*)$/)
const readPath = z.string().regex(/^(\/(.|[\r\n])*|id:.*|rev:[0-9a-f]{9,}|ns:[0-9]+(\/.*)?)$/)
const folderPath = z.string().regex(/^((\/(.|[\r\n])*)?|id:.*|ns:[0-9]+(\/.*)?)$/)
const writeMode = tagged(
  z.discriminatedUnion('.tag', [
    z.strictObject({ '.tag': z.literal('add') }),
    z.strictObject({ '.tag': z.literal('overwrite') }),
    z.strictObject({ '.tag': z.literal('update'), update: z.string().regex(/^[0-9a-f]{9,}$/) }),
  ]),
)

export const startArgument = z.strictObject({
  close: z.boolean().default(false),
  session_type: tagged(z.strictObject({ '.tag': z.enum(['sequential', 'concurrent']) })).default({
    '.tag': 'sequential',
  }),
  content_hash: hash,
})

export const appendArgument = z.strictObject({ cursor, close: z.boolean().default(false), content_hash: hash })

const commitArgument = z.strictObject({
  path: writePath,
  mode: writeMode.default({ '.tag': 'add' }),
  autorename: z.boolean().default(false),
  client_modified: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    .optional(),
  mute: z.boolean().default(false),
  strict_conflict: z.boolean().default(false),
})

export const finishArgument = z.strictObject({ cursor, commit: commitArgument, content_hash: hash })

export const listArgument = z.strictObject({
  path: folderPath,
  recursive: z.boolean().default(false),
  limit: z.int().min(1).max(2000).optional(),
  include_deleted: z.boolean().default(false),
  include_media_info: z.boolean().default(false),
  include_has_explicit_shared_members: z.boolean().default(false),
  include_mounted_folders: z.boolean().default(true),
  include_non_downloadable_files: z.boolean().default(true),
})
export const continueArgument = z.strictObject({ cursor: z.string().min(1) })
export const metadataArgument = z.strictObject({
  path: readPath,
  include_media_info: z.boolean().default(false),
  include_deleted: z.boolean().default(false),
  include_has_explicit_shared_members: z.boolean().default(false),
})
export const deleteArgument = z.strictObject({ path: writePath, parent_rev: z.string().optional() })
export const createFolderArgument = z.strictObject({ path: writePath, autorename: z.boolean().default(false) })
export const downloadArgument = z.strictObject({ path: readPath })
export const noArgument = z.null()

export type CommitArgument = z.infer<typeof commitArgument>

/** Checks an argument that came as JSON text; what is wrong with it is a 400 in Dropbox's words. */
export function parseArgument<T extends z.ZodType>(
  schema: T,
  source: string,
  route: string,
  where: string,
): z.infer<T> {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch {
    throw new Refusal(badCall(route, `${where}: could not decode input as JSON`))
  }
  const parsed = schema.safeParse(value, { reportInput: true })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Refusal(badCall(route, `${where}: ${issue === undefined ? 'invalid' : explain(issue)}`))
}

function explain(issue: z.core.$ZodIssue): string {
  const at = issue.path.map(String).join('.')
  const prefix = at === '' ? '' : `${at}: `
  if (issue.code === 'unrecognized_keys') return `${prefix}unknown field '${issue.keys.join("', '")}'`
  if (issue.code !== 'invalid_type') return `${prefix}${issue.message}`
  if (issue.input === undefined) return `${prefix}missing required field`
  return `${prefix}expected ${/^(int|number)$/.test(issue.expected) ? 'integer' : issue.expected}, got ${typeName(issue.input)}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float'
  return typeof value
}
