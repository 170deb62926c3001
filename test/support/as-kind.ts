import assert from 'node:assert/strict'
import type { DestinationConfig } from '../../src/stages/destinations/config.ts'
import type { DropboxConfig } from '../../src/stages/destinations/dropbox/settings.ts'
import type { GoogleDriveConfig } from '../../src/stages/destinations/google-drive/settings.ts'
import type { LocalConfig } from '../../src/stages/destinations/local/settings.ts'

interface Configs {
  readonly dropbox: DropboxConfig
  readonly 'google-drive': GoogleDriveConfig
  readonly local: LocalConfig
}

/** The settings of a destination that has to be of this kind. */
export function asKind<T extends keyof Configs>(type: T, one: DestinationConfig | undefined): Configs[T] {
  assert.equal(one?.type, type)
  return one as Configs[T]
}
