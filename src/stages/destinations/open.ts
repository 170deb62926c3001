import type { Destination } from '../../pipeline/destination.ts'
import { asBackupError } from '../../pipeline/errors.ts'
import { DEFAULT_RETRY } from '../../pipeline/patience.ts'
import { withRetry } from '../../pipeline/retry.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { createTransport } from '../http/transport.ts'
import type { Transport } from '../http/types.ts'
import { DROPBOX_ORIGINS, dropboxDestination } from './dropbox/dropbox.ts'
import { googleDriveDestination } from './google-drive/google-drive.ts'
import { localDestination } from './local/local.ts'
import { unusableDestination } from './unusable.ts'

const GOOGLE_ORIGINS = ['https://www.googleapis.com', 'https://oauth2.googleapis.com']

/**
 * A destination of the configuration, not signed in yet. Never throws: one that cannot be opened rejects every call with
 * the reason. The place where a new kind of destination is added.
 */
export function openDestination(config: DestinationConfig, endpoints: Config['endpoints']): Destination {
  try {
    return opened(config, endpoints)
  } catch (error) {
    const { code, message, advice } = asBackupError(error)
    return unusableDestination({ ...config, fault: { code, message, advice } })
  }
}

function opened(config: DestinationConfig, endpoints: Config['endpoints']): Destination {
  if (config.fault !== undefined || config.type === 'unknown') return unusableDestination(config)
  switch (config.type) {
    case 'local':
      return localDestination(config)
    case 'dropbox':
      return dropboxDestination(config, { transport: transportTo('dropbox', endpoints) })
    case 'google-drive':
      return googleDriveDestination(config, { transport: transportTo('google-drive', endpoints) })
  }
}

/** A person waits: so long is tried again after the first failure of a call. ms. */
const PATIENCE_MS = 8000

/** A destination that is only asked or tried, for a person who waits: one hiccup makes none unusable. */
export function openPatiently(
  config: DestinationConfig,
  endpoints: Config['endpoints'],
  signal: AbortSignal,
  open: typeof openDestination = openDestination,
): Destination {
  const policy = { ...DEFAULT_RETRY, patienceMs: PATIENCE_MS, openingPatienceMs: PATIENCE_MS }
  return withRetry(open(config, endpoints), { policy, stop: signal })
}

/** The way to a service, or to what stands in for it. The caller closes it. */
export function transportTo(type: 'dropbox' | 'google-drive', endpoints: Config['endpoints']): Transport {
  return type === 'dropbox'
    ? createTransport(elsewhere(DROPBOX_ORIGINS, endpoints.dropbox))
    : createTransport(elsewhere(GOOGLE_ORIGINS, endpoints.googleDrive))
}

function elsewhere(origins: readonly string[], endpoint: string | null): { origins: Record<string, string> } {
  return { origins: endpoint === null ? {} : Object.fromEntries(origins.map((origin) => [origin, endpoint])) }
}
