/** What destinations say that they have. */
import type { Destination, StoredObject } from '../../pipeline/contract/destination.ts'
import type { BackupError } from '../../pipeline/contract/errors.ts'
import type { SentArchive } from '../contract/history.ts'

export interface Copy {
  readonly destination: Destination
  readonly stored: StoredObject
  /** How many more objects of its name are there, as Google Drive allows; absent when there are none. */
  readonly others?: number
}

/** What the record knows of an archive; null: nothing. */
export type SentOf = (name: string) => Promise<Pick<SentArchive, 'bytes' | 'digests'> | null>

/** A destination that could not be asked. */
export interface PassedOver {
  readonly destination: Destination
  readonly error: BackupError
}

export interface FoundArchive {
  readonly name: string
  /** At least one; in the order of the destinations. */
  readonly copies: readonly Copy[]
  /** What they may have is not known. */
  readonly passedOver: readonly PassedOver[]
  /** Archives that lie ahead of now by a wrong clock, and so were passed over for the newest. */
  readonly ahead: readonly string[]
}

export interface Listing {
  readonly destination: Destination
  /** By name. */
  readonly objects: ReadonlyMap<string, StoredObject>
  /** How many objects there are of a name, where they are several. */
  readonly several: ReadonlyMap<string, number>
}

/** What several destinations say they have. */
export interface Listings {
  /** Of those that answered, in the order of the destinations. */
  readonly all: readonly Listing[]
  readonly passedOver: readonly PassedOver[]
}
