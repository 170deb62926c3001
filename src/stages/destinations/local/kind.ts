import type { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { LOCAL_TRAITS, localSchema, localStarter, resolveLocal, type LocalConfig } from './settings.ts'

/** A folder of this machine, or on a share that it has mounted. */
export const local: DestinationKind<LocalConfig, z.output<typeof localSchema>> = {
  type: 'local',
  title: 'a folder',
  traits: LOCAL_TRAITS,
  schema: localSchema,
  resolve: resolveLocal,
  placeOf: ({ folder }, absolute) => (typeof folder === 'string' ? absolute(folder) : null),
  starter: localStarter,
  origins: [],
  open: async (config) => (await import('./local.ts')).localDestination(config),
  ownPaths: ({ folder }) => [folder],
  signIn: null,
  viewer: null,
}
