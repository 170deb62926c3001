/** What a stand-in is started with, and what it then offers. */

import type { Digests } from './digests.ts'
import type { FaultRow } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import type { StorageOptions } from './storage.ts'

export interface ServerOptions {
  readonly faults?: readonly FaultRow[]
  /** All bodies together, in both directions; default: no limit. */
  readonly bytesPerSecond?: number | null
  /** Every answer waits this long. */
  readonly latencyMs?: number
  /** The service's idea of the time, in ms since 1970; default Date.now. */
  readonly clock?: () => number
}

export interface StandInOptions extends ServerOptions {
  readonly storage: StorageOptions
  /** What fits into the account, in bytes; null: the service names no limit. */
  readonly quotaBytes?: number | null
  /** A page of a listing has at most this many entries, whatever was asked for. */
  readonly pageEntries?: number
  /** How long an access token is good, and is said to be. Default: what the real service gives. */
  readonly tokenLifetimeSeconds?: number
}

/** An object that a stand-in holds whole. */
export interface StandInObject {
  readonly id: string
  /** Dropbox: its path. Google Drive: the names of its folders and its own, with `/` between. */
  readonly path: string
  readonly bytes: number
  /** Dropbox: contentHash. Google Drive: md5, and sha1 and sha256 where they were asked for. */
  readonly digests: Digests
  /** The file that holds its bytes; null when bytes are discarded. */
  readonly file: string | null
}

export interface StandIn {
  /** 'http://127.0.0.1:PORT', under which all of the service's paths are served. */
  readonly origin: string
  readonly faults: {
    add(...rows: readonly FaultRow[]): void
    clear(): void
    /** Rows whose fault never took effect: a test that scripts faults ends with none. */
    unused(): readonly FaultRow[]
  }
  readonly requests: Pick<RequestLog, 'latest' | 'count'>
  /** What fits into the account from now on, in bytes; null: no limit. */
  quotaBytes: number | null
  objects(): readonly StandInObject[]
  /** The bytes of an object. Throws when bytes are discarded. */
  read(object: StandInObject): AsyncIterable<Buffer>
  /** Damages the stored bytes of an object: same size, other digests. Only where bytes are kept. */
  flipByte(object: StandInObject, position?: number): Promise<void>
  /** Every access token in circulation is refused from now on as expired. */
  expireTokens(): void
  /**
   * Plays the person at the page where accounts are connected: consents to what the authorize address asks for. Returns
   * where the browser is sent then; without a redirect_uri, the code that the page shows. Throws when the address is
   * wrong.
   */
  consent(address: string): string
  /** A refresh token is refused from now on, and so are the access tokens it gave. */
  revoke(refreshToken: string): void
  /** Stops reading bodies of requests and sending bodies of downloads, until `resume`. */
  pause(): void
  resume(): void
  /** Resolves when no request is under way: what a client that was killed had sent is dealt with. */
  idle(): Promise<void>
  /** Ends every connection; stored files stay. Rejects when the stand-in itself failed at a request. */
  close(): Promise<void>
}
