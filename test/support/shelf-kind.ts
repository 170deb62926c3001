/**
 * A kind of destination that the program does not have, added as CONTRIBUTING.md says: this is all that is written for it.
 * A shelf is a folder that asks for a key. Its author was careless: its errors repeat the key that is refused.
 */
import type { z } from 'zod'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import type { DestinationConfig } from '../../src/stages/destinations/config.ts'
import type { DestinationKind, KindTraits } from '../../src/stages/destinations/kind.ts'
import { localDestination } from '../../src/stages/destinations/local/local.ts'
import { chunkSize, destinationSection } from '../../src/stages/destinations/settings.ts'
import { path, secret, section } from '../../src/stages/schema/parts.ts'

export interface ShelfConfig extends DestinationConfig {
  readonly type: 'shelf'
  readonly lock: { readonly shelfKey: string }
}

export const SHELF_KEY = 'open-sesame-2236067'

const traits: KindTraits = { maxObjectBytes: null, digest: 'contentHash', isLocal: false, proof: 'provider-hash' }

const schema = destinationSection('shelf', {
  chunkSize: chunkSize('a shelf takes any size'),
  folder: path('the folder of the shelf'),
  lock: section('a map with shelfKey', { shelfKey: secret('the key of the shelf') }),
})

export const shelf: DestinationKind<ShelfConfig, z.output<typeof schema>> = {
  type: 'shelf',
  title: 'a shelf',
  traits,
  schema,
  resolve: ({ name, type, folder, lock, chunkSize: bytes }, absolute) => ({
    name,
    type,
    folder: absolute(folder),
    lock,
    chunkSize: bytes ?? null,
  }),
  placeOf: ({ folder }) => (typeof folder === 'string' ? folder : null),
  starter: () => `  # A shelf: a folder, and its key.
#  - name: hospital-shelf
#    type: shelf
#    folder: /shelf
#    lock: { shelfKey: \${SHELF_KEY} }
`,
  origins: [],
  open: (config) => Promise.resolve(shelfDestination(config)),
  ownPaths: ({ folder }) => [folder],
  signIn: {
    title: 'Shelf',
    by: () => 'shelf key',
    isShortLived: () => false,
    renewal: ({ name }) => `Ask the librarian for the key of ${name}.`,
    oauth: null,
  },
  viewer: null,
}

function shelfDestination({ name, folder, lock: { shelfKey } }: ShelfConfig): Destination {
  if (folder.endsWith('rotten')) throw new Error('The shelf breaks down.')
  const inner = localDestination({ name, type: 'local', folder, chunkSize: null })
  const mayEnter = (): void => {
    if (shelfKey === SHELF_KEY) return
    throw new BackupError('E_AUTH', `${name}: the shelf refuses the key ${shelfKey}.`, { advice: `Not ${shelfKey}.` })
  }
  return {
    ...inner,
    type: 'shelf',
    traits,
    signIn: async (signal) => {
      mayEnter()
      return { ...(await inner.signIn(signal)), label: 'the librarian' }
    },
    begin: async (object, signal) => {
      mayEnter()
      return await inner.begin(object, signal)
    },
  }
}
