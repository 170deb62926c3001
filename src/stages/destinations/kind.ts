/**
 * What a kind of destination is: everything that the rest of the program has to know of Dropbox, of a folder, of whatever
 * comes next. `kinds.ts` has the list of them. A kind's folder has one `DestinationKind` in `kind.ts`, which says all this
 * without loading the code that does the work.
 */
import type { z } from 'zod'
import type { Destination, DestinationTraits } from '../../pipeline/contract/destination.ts'
import type { Transport } from '../http/types.ts'
import type { DestinationConfig } from './config.ts'
import type { SignInKind } from './sign-in-kind.ts'
import type { ViewerAccounts } from './viewer-accounts.ts'

/** What a destination is written as, in the configuration file, once its schema has taken it. */
export interface WrittenDestination {
  readonly name: string
  readonly type: string
  readonly chunkSize?: number | undefined
}

/** An absolute path, of one that starts at the configuration file's folder. */
export type Absolute = (path: string) => string

export interface KindTraits extends DestinationTraits {
  /** Whether the archives lie in a folder that this machine's own paths reach. */
  readonly isLocal: boolean
  /** What a quick verification looks at: the service's own hash, or what is read back. */
  readonly proof: 'provider-hash' | 'read-back'
}

export interface DestinationKind<
  C extends DestinationConfig = DestinationConfig,
  W extends WrittenDestination = WrittenDestination,
> {
  /** As the configuration, results and records name it. */
  readonly type: string
  /** As a sentence names it: 'Dropbox', 'a folder'. */
  readonly title: string
  readonly traits: KindTraits

  /** Of the whole entry, name and type among it: `destinationSection` begins it. Secrets are declared in it. */
  readonly schema: z.ZodObject
  resolve(written: W, absolute: Absolute): C
  /**
   * Where it goes, as far as the entry in the file shows, valid or not: of two that are equal, the second is a fault. The
   * folder's path of a kind that `isLocal`. Null when it does not show.
   */
  placeOf(entry: Readonly<Partial<Record<string, unknown>>>, absolute: Absolute): string | null
  /** The commented block that `init` writes; a setting that needs the reader's own values is switched off. */
  starter(platform: NodeJS.Platform): string

  /**
   * Every origin that is called, the one whose clock may be asked first; `endpoints` in the configuration can stand in for
   * them. Empty for a kind that calls none.
   */
  readonly origins: readonly string[]
  /** Loads the code that does the work, and makes the destination. What it throws is this destination's fault alone. */
  open(config: C, way: Way): Promise<Destination>
  /** Absolute paths of folders on this machine that are its own. */
  ownPaths(config: C): readonly string[]

  /** How it is signed in to; null where nobody signs in. */
  readonly signIn: SignInKind<C> | null
  /** How the viewer's tables have its accounts; null: they have none. */
  readonly viewer: ViewerAccounts<C> | null
}

export interface Way {
  /** The way to the service, or to what stands in for it. The destination owns and closes it. Throws E_CONFIG. */
  transport(): Transport
}
