import type { VerifyCheck } from '../contract/results.ts'
import type { Copy } from '../find/found.ts'
import type { OpenOptions } from '../find/open-to-read.ts'
import type { OnWork } from '../find/activity.ts'
import type { SentArchive } from '../contract/history.ts'
import type { State } from '../state/state.ts'

export interface VerifyOptions extends OpenOptions {
  /** Null when it is lost. */
  readonly state: State | null
  /** File name; null: the newest. */
  readonly archive: string | null
  /** Read every entry. */
  readonly deep: boolean
  /** Load the dump into a database that is made for it and dropped again. */
  readonly restoreTest: boolean
  readonly onWork: OnWork
}

/** The archive that is verified. */
export interface Found {
  readonly name: string
  /** Null: not known here. */
  readonly sent: SentArchive | null
  readonly copies: readonly Copy[]
}

export type Method = VerifyCheck['method']

export type Finding = Omit<VerifyCheck, 'destination' | 'method'>
