import type { Destination } from '../../pipeline/destination.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { createTransport } from '../http/transport.ts'
import { DROPBOX_ORIGINS, dropboxDestination } from './dropbox/dropbox.ts'
import { googleDriveDestination } from './google-drive/google-drive.ts'
import { localDestination } from './local/local.ts'
import { unusableDestination } from './unusable.ts'

const GOOGLE_ORIGINS = ['https://www.googleapis.com', 'https://oauth2.googleapis.com']

/** A destination of the configuration, not signed in yet. The place where a new kind of destination is added. */
export function openDestination(config: DestinationConfig, endpoints: Config['endpoints']): Destination {
  if (config.fault !== undefined || config.type === 'unknown') return unusableDestination(config)
  switch (config.type) {
    case 'local':
      return localDestination(config)
    case 'dropbox':
      return dropboxDestination(config, { transport: createTransport(elsewhere(DROPBOX_ORIGINS, endpoints.dropbox)) })
    case 'google-drive':
      return googleDriveDestination(config, {
        transport: createTransport(elsewhere(GOOGLE_ORIGINS, endpoints.googleDrive)),
      })
  }
}

function elsewhere(origins: readonly string[], endpoint: string | null): { origins: Record<string, string> } {
  return { origins: endpoint === null ? {} : Object.fromEntries(origins.map((origin) => [origin, endpoint])) }
}
