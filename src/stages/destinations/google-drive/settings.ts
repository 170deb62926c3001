import type { z } from 'zod'
import { asSecretFile } from '../../schema/declared.ts'
import { path, rules, secret, section, token } from '../../schema/parts.ts'
import { KiB } from '../../schema/size.ts'
import { fieldOf } from '../../http/answer.ts'
import type { DestinationConfig } from '../config.ts'
import type { Absolute, KindTraits } from '../kind.ts'
import { chunkSize, DEFAULT_FOLDER, destinationSection, remoteFolder } from '../settings.ts'

export interface GoogleDriveConfig extends DestinationConfig {
  readonly type: 'google-drive'
  /**
   * Names with '/' between them below My Drive, or 'id:FOLDER_ID' with names below it, for a shared folder or drive.
   */
  readonly folder: string
  readonly oauth: {
    readonly clientId: string
    readonly clientSecret: string
    /** Null: it is to be connected. */
    readonly refreshToken: string | null
  } | null
  /** Path of a service account's key file. */
  readonly credentialsFile: string | null
  /** A service account's key itself; only of accounts in the viewer's tables. */
  readonly serviceAccount?: { readonly clientEmail: string; readonly privateKey: string }
}

export const GOOGLE_DRIVE_TRAITS: KindTraits = {
  /** 5,120 GB, https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create */
  maxObjectBytes: 5120 * 1024 ** 3,
  digest: 'md5',
  isLocal: false,
  proof: 'provider-hash',
}

export const GOOGLE_ORIGINS = ['https://www.googleapis.com', 'https://oauth2.googleapis.com'] as const

export const googleDriveSchema = rules(
  destinationSection('google-drive', {
    /** https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable */
    chunkSize: chunkSize('Google Drive takes steps of 256KiB', 256 * KiB, 256 * KiB),
    folder: remoteFolder('a folder in Google Drive such as DICOM_Backups')
      .refine((folder) => folder !== '', 'the name of a folder; Google Drive has no archives outside one')
      .default(DEFAULT_FOLDER),
    oauth: section('a map with clientId, clientSecret and, unless it is connected, refreshToken', {
      clientId: token('the client ID, from the Google Cloud console'),
      clientSecret: secret('the client secret, from the Google Cloud console'),
      refreshToken: secret('a refresh token of Google').optional(),
    }).optional(),
    credentialsFile: asSecretFile(path("the path of a service account's key file"), privateKeyIn).optional(),
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

export function resolveGoogleDrive(written: z.output<typeof googleDriveSchema>, absolute: Absolute): GoogleDriveConfig {
  const { oauth, credentialsFile } = written
  return {
    type: written.type,
    name: written.name,
    chunkSize: written.chunkSize ?? null,
    folder: written.folder,
    oauth: oauth === undefined ? null : { ...oauth, refreshToken: oauth.refreshToken ?? null },
    credentialsFile: credentialsFile === undefined ? null : absolute(credentialsFile),
  }
}

/** Of a service account's key file. The parser's own words are not told on, since they quote the file. */
function privateKeyIn(text: string): string | { readonly problem: string } {
  const wrong = (problem: string): { readonly problem: string } => ({
    problem: `${problem}; expected a service account's key file (JSON) from the Google Cloud console`,
  })
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return wrong('the file is not JSON')
  }
  if (fieldOf(content, 'type') !== 'service_account') return wrong('the file is not of type service_account')
  const key = fieldOf(content, 'private_key')
  const email = fieldOf(content, 'client_email')
  if (typeof key === 'string' && key !== '' && typeof email === 'string' && email !== '') return key
  return wrong('the file has no client_email or no private_key')
}

export const GOOGLE_DRIVE_STARTER = `  # Google Drive: a folder, and your OAuth client (docs/accounts.md says how to create one).
  # Then sign in, in the browser: dicom-backup accounts connect hospital-drive
#  - name: hospital-drive
#    type: google-drive
#    folder: DICOM_Backups
#    oauth:
#      clientId: \${GOOGLE_CLIENT_ID}
#      clientSecret: \${GOOGLE_CLIENT_SECRET}
      # Instead of that sign-in: a refresh token that you have.
#      refreshToken: \${GOOGLE_REFRESH_TOKEN}
    # Instead of oauth: the key file of a service account.
#    credentialsFile: service-account.json
`
