/** What the kinds' schemas are made of, beside what every section of the configuration is. */
import { z } from 'zod'
import { section, text } from '../schema/parts.ts'
import { KiB, MiB, parseSize, sizeText } from '../schema/size.ts'

/** Every destination's requests are held in one window of memory. */
const LARGEST_CHUNK = 32 * MiB

const name = text('a short name that no other destination has')

/** What can be said of a destination whose type is not known. */
export const anyDestination = z.looseObject({ name })

/** The settings of a kind of destination, after those that all have. */
export function destinationSection<T extends string, S extends z.core.$ZodLooseShape>(type: T, settings: S) {
  return section('a destination', { name, type: z.literal(type), ...settings })
}

/** `limits` in words, `multiple` and `least` in bytes. */
export function chunkSize(limits: string, least = 64 * KiB, multiple = 1) {
  const range = `${limits}, from ${sizeText(least)} to ${sizeText(LARGEST_CHUNK)}`
  return z
    .union([z.string(), z.number()], `a size such as 8MiB: ${range}`)
    .transform((written, context) => {
      const bytes = parseSize(written)
      if (bytes !== null && bytes >= least && bytes <= LARGEST_CHUNK && bytes % multiple === 0) return bytes
      context.addIssue({ code: 'custom', message: `${near(meant(bytes), least, multiple)}: ${range}` })
      return z.NEVER
    })
    .optional()
}

/** Who writes chunkSize: 8 thinks of MiB, though a number alone counts bytes. */
function meant(bytes: number | null): number {
  if (bytes === null) return 8 * MiB
  return bytes * MiB <= LARGEST_CHUNK ? bytes * MiB : bytes
}

/** The sizes next to `bytes` that are right. */
function near(bytes: number, least: number, multiple: number): string {
  const fit = (size: number): number => Math.min(Math.max(size, least), LARGEST_CHUNK)
  const below = fit(Math.floor(bytes / multiple) * multiple)
  const above = fit(Math.ceil(bytes / multiple) * multiple)
  return below === above ? sizeText(below) : `${sizeText(below)} or ${sizeText(above)}`
}

/** The folder at a service that archives go to unless another is given. */
export const DEFAULT_FOLDER = 'DICOM_Backups'

/** Names with '/' between them, none before or after; '' for the service's root. */
export function remoteFolder(right: string) {
  return text(right).transform((written, context) => {
    const folder = remoteFolderOf(written)
    if (folder !== null) return folder
    context.addIssue({ code: 'custom', message: `${right}: names with / between them` })
    return z.NEVER
  })
}

/** A folder at a cloud service as people write it, as names with '/' between them, '' for the root; null when it is none. */
export function remoteFolderOf(written: string): string | null {
  const parts = written
    .split('/')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const isFolder = parts.every(
    (part) => !part.includes('\\') && part !== '.' && part !== '..' && part.length <= 255 && /^\P{Cc}*$/u.test(part),
  )
  return isFolder ? parts.join('/') : null
}

/**
 * `DestinationKind.placeOf` of a service: one sign-in and one folder. Null where the configuration does not show the
 * account: what is connected in the browser may be two.
 */
export function placeAtService(account: readonly unknown[], written: unknown, sameInAnyCase = false): string | null {
  const folder = typeof written === 'string' ? remoteFolderOf(written) : written === undefined ? DEFAULT_FOLDER : null
  const signIn = account.find((value) => typeof value === 'string')
  if (folder === null || signIn === undefined) return null
  return JSON.stringify([signIn, sameInAnyCase ? folder.toLowerCase() : folder])
}
