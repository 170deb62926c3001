import type { z } from 'zod'
import { fieldOf } from '../../http/answer.ts'
import type { DestinationKind } from '../kind.ts'
import { placeAtService } from '../settings.ts'
import {
  GOOGLE_DRIVE_STARTER,
  GOOGLE_DRIVE_TRAITS,
  GOOGLE_ORIGINS,
  googleDriveSchema,
  resolveGoogleDrive,
  type GoogleDriveConfig,
} from './settings.ts'
import { googleSignIn } from './sign-in.ts'
import { googleDriveViewer } from './viewer.ts'

/** A folder in Google Drive. */
export const googleDrive: DestinationKind<GoogleDriveConfig, z.output<typeof googleDriveSchema>> = {
  type: 'google-drive',
  title: 'Google Drive',
  traits: GOOGLE_DRIVE_TRAITS,
  schema: googleDriveSchema,
  resolve: resolveGoogleDrive,
  placeOf: ({ oauth, credentialsFile, folder }) =>
    placeAtService([fieldOf(oauth, 'refreshToken'), credentialsFile], folder),
  starter: () => GOOGLE_DRIVE_STARTER,
  origins: GOOGLE_ORIGINS,
  async open(config, way) {
    const { googleDriveDestination } = await import('./google-drive.ts')
    return googleDriveDestination(config, { transport: way.transport() })
  },
  ownPaths: () => [],
  signIn: googleSignIn,
  viewer: googleDriveViewer,
}
