import type { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { placeAtService } from '../settings.ts'
import {
  DROPBOX_ORIGINS,
  DROPBOX_STARTER,
  DROPBOX_TRAITS,
  dropboxSchema,
  resolveDropbox,
  type DropboxConfig,
} from './settings.ts'
import { dropboxSignIn } from './sign-in.ts'
import { dropboxViewer } from './viewer.ts'

/** A folder in a Dropbox account. */
export const dropbox: DestinationKind<DropboxConfig, z.output<typeof dropboxSchema>> = {
  type: 'dropbox',
  title: 'Dropbox',
  traits: DROPBOX_TRAITS,
  schema: dropboxSchema,
  resolve: resolveDropbox,
  /** Dropbox takes a path in any case as the same. */
  placeOf: ({ accessToken, refreshToken, folder }) => placeAtService([accessToken, refreshToken], folder, true),
  starter: () => DROPBOX_STARTER,
  origins: DROPBOX_ORIGINS,
  async open(config, way) {
    const { dropboxDestination } = await import('./dropbox.ts')
    return dropboxDestination(config, { transport: way.transport() })
  },
  ownPaths: () => [],
  signIn: dropboxSignIn,
  viewer: dropboxViewer,
}
