/**
 * Faults as data. A row names a route, which request of it, and what goes wrong there; every row that matches a request
 * takes part in it. A row counts as used when its fault took effect, not when it matched.
 */

import type { Answer } from './answer.ts'

/**
 * Where in a request something goes wrong. `arrival`: its headers are read, its body is not. `before-commit`: the body
 * is read, nothing has changed yet. `after-commit`: what was asked for is done, the answer has not gone out.
 */
export type Point = 'arrival' | 'before-commit' | 'after-commit'

/**
 * How many of the received bytes the service keeps of a request that fails before its commit; default `none`. `some` is
 * about half. Google Drive only ever keeps whole 256 KiB. (Of a request that the client itself breaks off, Dropbox
 * keeps nothing and Google Drive every whole 256 KiB.)
 */
export type Keep = 'none' | 'some' | 'all'

export type Fault =
  /** The connection is reset once `afterBytes` of the request's body (of the answer's, for a download) have passed. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly keep?: Keep }
  /**
   * Another answer than the real one. At `arrival` it goes out before the body is read and the connection closes. With
   * `forMs` every request but those for tokens gets it too until that time is over.
   */
  | {
      readonly kind: 'answer'
      readonly answer: Answer
      readonly at?: Point
      readonly keep?: Keep
      readonly forMs?: number
    }
  /** The connection closes without an answer. */
  | { readonly kind: 'lost'; readonly at?: Point; readonly keep?: Keep }
  /** No answer comes, ever. At `arrival` the body is not read either. */
  | { readonly kind: 'hang'; readonly at?: Point; readonly keep?: Keep }
  | { readonly kind: 'delay'; readonly ms: number; readonly at?: Point }
  /** Nothing goes on until `until` has resolved: for what is to wait for an event, however long that takes. */
  | { readonly kind: 'held'; readonly until: Promise<unknown>; readonly at?: Point }
  /** Reading of the body stops for good after `afterBytes`. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** The answer's body ends in its middle, with a Content-Length that agrees. */
  | { readonly kind: 'truncated' }
  /** The answer is right; the next request on the same connection meets a reset. */
  | { readonly kind: 'idle-close' }
  /** Every access token in circulation has expired, whatever `expires_in` said. */
  | { readonly kind: 'expired' }
  /** The upload session that the request names is gone. */
  | { readonly kind: 'session-gone' }
  /** The upload session that the request names holds only its first `bytes` bytes, whatever was acknowledged. */
  | { readonly kind: 'forget'; readonly bytes: number }
  /** The account is full from now on. */
  | { readonly kind: 'quota-full' }
  /** The first byte of the request's body is stored with one bit flipped. */
  | { readonly kind: 'flip' }
  /** Google Drive: the answer is right, but only about half of the chunk is held. */
  | { readonly kind: 'partial' }
  /** Google Drive: the 308 names a new session address; the old one is gone. */
  | { readonly kind: 'moved' }

export type FaultKind = Fault['kind']
export type FaultOf<K extends FaultKind> = Extract<Fault, { readonly kind: K }>

export interface FaultRow {
  /** A route's name, or '*' for any. */
  readonly route: string
  /** Counted from 1 over the matching requests since the row was added; default 1. */
  readonly nth?: number | 'every'
  readonly fault: Fault
}

/** A fault that waits in a request; `fire` says that it took effect. */
export interface Armed {
  readonly fault: Fault
  readonly fire: () => void
}

interface Entry {
  readonly row: FaultRow
  seen: number
  fired: boolean
}

export class FaultScript {
  #entries: Entry[] = []

  constructor(rows: readonly FaultRow[]) {
    this.add(...rows)
  }

  add(...rows: readonly FaultRow[]): void {
    this.#entries.push(...rows.map((row) => ({ row, seen: 0, fired: false })))
  }

  /** Forgets every row, used or not. */
  clear(): void {
    this.#entries = []
  }

  /** The rows whose fault never took effect. */
  unused(): readonly FaultRow[] {
    return this.#entries.filter((entry) => !entry.fired).map((entry) => entry.row)
  }

  /** Counts one request of `route` and says which faults take part in it. */
  match(route: string): readonly Armed[] {
    const armed: Armed[] = []
    for (const entry of this.#entries) {
      const { row } = entry
      if (row.route !== route && row.route !== '*') continue
      entry.seen += 1
      if (row.nth !== 'every' && entry.seen !== (row.nth ?? 1)) continue
      armed.push({ fault: row.fault, fire: () => (entry.fired = true) })
    }
    return armed
  }
}
