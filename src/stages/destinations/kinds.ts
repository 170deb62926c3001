import { dropbox } from './dropbox/kind.ts'
import { googleDrive } from './google-drive/kind.ts'
import type { DestinationConfig } from './config.ts'
import type { DestinationKind, KindTraits } from './kind.ts'
import { local } from './local/kind.ts'

/** All kinds of destinations, in the order that messages name them in. A new kind is a line here. */
let KINDS: readonly DestinationKind[] = [dropbox, googleDrive, local]

export function kinds(): readonly DestinationKind[] {
  return KINDS
}

/** Null: a type that only a row of the viewer's tables can have; such a destination has a `fault`. */
export function kindOf({ type }: Pick<DestinationConfig, 'type'>): DestinationKind | null {
  return KINDS.find((kind) => kind.type === type) ?? null
}

const UNKNOWN: KindTraits = { maxObjectBytes: null, digest: 'contentHash', isLocal: false, proof: 'provider-hash' }

export function traitsOf(one: Pick<DestinationConfig, 'type'>): KindTraits {
  return kindOf(one)?.traits ?? UNKNOWN
}

/** Absolute paths of folders on this machine that belong to destinations. */
export function ownPathsOf(destinations: readonly DestinationConfig[]): string[] {
  return destinations.flatMap((one) => kindOf(one)?.ownPaths(one) ?? [])
}

/** One kind more while `work` goes on: what CONTRIBUTING.md says of a new kind is tested so. */
export async function withKind<T>(kind: DestinationKind, work: () => Promise<T>): Promise<T> {
  const before = KINDS
  KINDS = [...KINDS, kind]
  try {
    return await work()
  } finally {
    KINDS = before
  }
}
