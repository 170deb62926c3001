import { z } from 'zod'
import { path, rules, secret, section, text } from './parts.ts'
import { remoteFolderOf } from './remote-folder.ts'
import { KiB, MiB, parseSize, sizeText } from './size.ts'

/** Every destination's requests are held in one window of memory. */
const LARGEST_CHUNK = 32 * MiB

const TYPES = ['dropbox', 'google-drive', 'local'] as const
const TYPE = `one of ${TYPES.join(', ')}`

const name = text('a short name that no other destination has')

/**
 * https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append (4 MiB steps),
 * https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable (256 KiB steps)
 */
const chunkSizes = {
  dropbox: chunkSize('Dropbox takes steps of 4MiB', 4 * MiB, 4 * MiB),
  drive: chunkSize('Google Drive takes steps of 256KiB', 256 * KiB, 256 * KiB),
  local: chunkSize('a folder takes any size', 64 * KiB, 1),
}

const local = section('a destination', {
  name,
  type: z.literal('local'),
  chunkSize: chunkSizes.local,
  folder: path('the folder that the archives go to'),
  mode: fileMode().optional(),
})

const dropbox = rules(
  section('a destination', {
    name,
    type: z.literal('dropbox'),
    chunkSize: chunkSizes.dropbox,
    folder: remoteFolder('a folder in Dropbox such as /DICOM_Backups').default('DICOM_Backups'),
    accessToken: secret('an access token of Dropbox').optional(),
    refreshToken: secret('a refresh token of Dropbox').optional(),
    appKey: secret('the App key of the app at Dropbox').optional(),
    appSecret: secret('the App secret of the app at Dropbox').optional(),
  }),
  ({ accessToken, refreshToken, appKey, appSecret }) => {
    if (accessToken !== undefined) {
      const beside = { refreshToken, appKey, appSecret }
      return Object.entries(beside).map(
        ([key, value]) =>
          value !== undefined && {
            key,
            message: 'cannot be combined with accessToken; expected accessToken alone',
          },
      )
    }
    if (refreshToken === undefined && appKey === undefined && appSecret === undefined) {
      return [
        {
          key: 'accessToken',
          message:
            'is missing; expected appKey alone (then: dicom-backup accounts connect), refreshToken with appKey, or accessToken',
        },
      ]
    }
    return [
      refreshToken === undefined &&
        appSecret !== undefined && { key: 'refreshToken', message: 'is missing; appSecret is only used with it' },
      appKey === undefined && { key: 'appKey', message: 'is missing; refreshToken needs the App key of its app' },
    ]
  },
)

const googleDrive = rules(
  section('a destination', {
    name,
    type: z.literal('google-drive'),
    chunkSize: chunkSizes.drive,
    folder: remoteFolder('a folder in Google Drive such as DICOM_Backups')
      .refine((folder) => folder !== '', 'the name of a folder; Google Drive has no archives outside one')
      .default('DICOM_Backups'),
    oauth: section('a map with clientId, clientSecret and, unless it is connected, refreshToken', {
      clientId: secret('the client ID, from the Google Cloud console'),
      clientSecret: secret('the client secret, from the Google Cloud console'),
      refreshToken: secret('a refresh token of Google').optional(),
    }).optional(),
    credentialsFile: path("the path of a service account's key file").optional(),
  }),
  ({ oauth, credentialsFile }) => [
    oauth !== undefined &&
      credentialsFile !== undefined && {
        key: 'credentialsFile',
        message: 'cannot be combined with oauth; expected one of the two',
      },
    oauth === undefined &&
      credentialsFile === undefined && {
        key: 'oauth',
        message: 'is missing; expected oauth, or credentialsFile',
      },
  ],
)

export const destinationSchema = z.discriminatedUnion('type', [dropbox, googleDrive, local], {
  error: (issue) => (issue.path?.at(-1) === 'type' ? TYPE : 'a map with name, type and folder'),
})

/** What can be said of a destination whose type is not known. */
export const anyDestinationSchema = z.looseObject({ name })

/** The rights of a file as chmod takes them, of which the owner has to have both. */
function fileMode() {
  const right = 'the access rights of a file in quotes, such as "0640", from "0600" to "0666"'
  return text(right)
    .regex(/^0?6[0246][0246]$/, right)
    .transform((written) => Number.parseInt(written, 8))
}

/** Names with '/' between them, none before or after; '' for the service's root. */
function remoteFolder(right: string) {
  return text(right).transform((written, context) => {
    const folder = remoteFolderOf(written)
    if (folder !== null) return folder
    context.addIssue({ code: 'custom', message: `${right}: names with / between them` })
    return z.NEVER
  })
}

/** `multiple` and `least` in bytes. */
function chunkSize(limits: string, least: number, multiple: number) {
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
