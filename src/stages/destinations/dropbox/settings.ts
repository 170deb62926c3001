import type { z } from 'zod'
import { rules, secret, token } from '../../schema/parts.ts'
import { MiB } from '../../schema/size.ts'
import type { DestinationConfig } from '../config.ts'
import type { KindTraits } from '../kind.ts'
import { chunkSize, DEFAULT_FOLDER, destinationSection, remoteFolder } from '../settings.ts'

export interface DropboxConfig extends DestinationConfig {
  readonly type: 'dropbox'
  /** '/DICOM_Backups'; '' is the root. Starts with '/', does not end with one. */
  readonly folder: string
  readonly accessToken: string | null
  readonly refreshToken: string | null
  readonly appKey: string | null
  readonly appSecret: string | null
}

export const DROPBOX_TRAITS: KindTraits = {
  /** 2^41 - 2^22, files.stone, upload_session/start */
  maxObjectBytes: 2_199_019_061_248,
  digest: 'contentHash',
  isLocal: false,
  proof: 'provider-hash',
}

/**
 * Every origin of Dropbox's that is called, so that one endpoint can stand in for all: `origins` of createTransport.
 */
export const DROPBOX_ORIGINS = ['https://api.dropboxapi.com', 'https://content.dropboxapi.com'] as const

export const dropboxSchema = rules(
  destinationSection('dropbox', {
    /** https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append */
    chunkSize: chunkSize('Dropbox takes steps of 4MiB', 4 * MiB, 4 * MiB),
    folder: remoteFolder('a folder in Dropbox such as /DICOM_Backups').default(DEFAULT_FOLDER),
    accessToken: secret('an access token of Dropbox').optional(),
    refreshToken: secret('a refresh token of Dropbox').optional(),
    appKey: token('the App key of the app at Dropbox').optional(),
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

export function resolveDropbox(written: z.output<typeof dropboxSchema>): DropboxConfig {
  return {
    type: written.type,
    name: written.name,
    chunkSize: written.chunkSize ?? null,
    folder: folderPath(written.folder),
    accessToken: written.accessToken ?? null,
    refreshToken: written.refreshToken ?? null,
    appKey: written.appKey ?? null,
    appSecret: written.appSecret ?? null,
  }
}

/** Of names with '/' between them; '' for the root. */
export const folderPath = (names: string): string => (names === '' ? '' : `/${names}`)

export const DROPBOX_STARTER = `  # Dropbox: a folder, and the App key of your Dropbox app (docs/accounts.md says how to create one).
  # Then sign in, in the browser: dicom-backup accounts connect hospital-dropbox
#  - name: hospital-dropbox
#    type: dropbox
#    folder: /DICOM_Backups
#    appKey: \${DROPBOX_APP_KEY}
    # Instead of that sign-in: a refresh token that you have.
#    refreshToken: \${DROPBOX_REFRESH_TOKEN}
    # Only with a refresh token that was made without PKCE.
#    appSecret: \${DROPBOX_APP_SECRET}
    # Instead of these three: an access token, which expires after hours.
#    accessToken: \${DROPBOX_TOKEN}
`
