/**
 * The contract of a destination: a place where archives end up. A small must and a declared may.
 *
 * One upload goes: `begin` → `append`* → `commit`, or `abort`. Nothing shows under the object's final name before
 * `commit`. A destination classifies its errors (BackupError with a remedy) and never loops: waiting and trying again
 * is `withRetry`'s work (retry.ts). test/conformance/destination.ts holds every implementation and wrapper to this
 * page.
 */
import type { DigestName, ObjectDigests } from './digests.ts'

export interface DestinationTraits {
  /** The largest object that can be stored, in bytes; null when no limit is known. */
  readonly maxObjectBytes: number | null
  /** The digest by which this destination proves what it holds. */
  readonly digest: DigestName
}

/** What the requests of one upload are to be like. */
export interface Requests {
  /** Every request but the last is a multiple of this many bytes. */
  readonly multiple: number
  /**
   * So many appends may be in flight at once: each begins where the one before it ends, they settle in any order, and
   * `commit` comes after all of them. Of one that rejects nothing counts, and it can be sent again as it was; the others
   * are not touched by it. With one append at a time it is an upload like any other.
   */
  readonly inFlight: number
  /**
   * The size, in bytes, a request should have that starts at `offset`: a multiple of `multiple`. It may grow with the
   * offset, for services that mind many small requests, and with what the destination has learned of the line: a
   * high-latency service is sent larger ones. So it is asked anew before each request.
   */
  bytes(offset: number): number
}

/** Who we are signed in as, for people. */
export interface Account {
  /** E-mail address, account name or folder; never a secret. */
  readonly label: string
  /** Bytes that still fit; null when the service names no limit. */
  readonly freeBytes: number | null
}

/** An object that a destination holds whole under its final name. */
export interface StoredObject {
  /** The destination's own id of the object (the service's id of a file, or a path). */
  readonly id: string
  /** Where a person finds it. */
  readonly path: string
  readonly bytes: number
  /** The destination's own digest (`traits.digest`) of what it holds; null when it gives none. */
  readonly digest: string | null
}

/** Bytes `from` up to, but not including, `to`. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** The last request of an upload and what the whole object must turn out to be. */
export interface Commit {
  /** Where `tail` starts; all bytes before it are held already. */
  readonly offset: number
  /** The last bytes, of any length, possibly none. */
  readonly tail: readonly Uint8Array[]
  /** The whole object's size. */
  readonly bytes: number
  /** The whole object's, with the one by which this destination proves itself (`traits.digest`). */
  readonly digests: ObjectDigests
}

export interface Upload {
  /** Opaque handle for `Destination.resume`; a secret (it may be a session address), so never logged. */
  readonly token: string

  readonly requests: Requests

  /**
   * Asks the far side how many bytes it holds durably, counted from 0. Rejects with E_SESSION (`restart`) when the
   * upload is gone.
   */
  held(signal: AbortSignal): Promise<number>

  /**
   * Sends `chunks` as one request that starts at `offset`; their total length is a multiple of
   * `requests.multiple`. Resolves with the number of bytes the far side now holds, which may be less than was
   * sent, never less than `offset`; where several are under way, with how many it has acknowledged without a gap, which
   * may be less than `offset`. The chunks are not changed and not kept after it settles. Rejects with E_OFFSET
   * (`resume`) when the far side holds something else than `offset`.
   */
  append(offset: number, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<number>

  /**
   * Sends the tail, makes the object visible under its final name and compares the destination's own digest and size of
   * what it holds with what is expected. When they differ the object is removed and the call rejects with E_INTEGRITY.
   * Committing again after a lost answer is harmless.
   */
  commit(commit: Commit, signal: AbortSignal): Promise<StoredObject>

  /** Gives the upload up and removes what can be removed. Never rejects; safe after a commit, where it does nothing. */
  abort(): Promise<void>
}

/** An upload that was taken up again. */
export interface Resumed {
  readonly upload: Upload
  /** Bytes, from 0. */
  readonly held: number
}

export interface Destination {
  /** The name given in the configuration. */
  readonly name: string
  readonly type: string
  readonly traits: DestinationTraits

  /** Signs in and reads the account; writes nothing. Rejects with E_AUTH or E_DESTINATION. */
  signIn(signal: AbortSignal): Promise<Account>

  /**
   * Tries what a run does there: may an upload begin, may the folder be listed? Nothing stays that anybody sees, and a
   * folder that a run would make is not made. Rejects as `begin` and `list` do.
   */
  probe(signal: AbortSignal): Promise<void>

  /**
   * A text that two destinations have in common when they are one place: what is stored at one shows at the other. It
   * holds no secret. Rejects as `signIn` and `list` do.
   */
  place(signal: AbortSignal): Promise<string>

  /** Starts the upload of a new object. `object` is a file name without a folder. */
  begin(object: string, signal: AbortSignal): Promise<Upload>

  /**
   * Takes an upload up again from its token, in this process or a later one. `acknowledged` is how many bytes, from 0,
   * an earlier call said are held: a destination that cannot vouch for what came after them drops it, or takes it again.
   * Resolves with what the far side holds, too, as `Upload.held` does: nobody has to ask again. Rejects with E_SESSION
   * when the upload is gone; where the far side does not tell whether one was given up, the commit does.
   */
  resume(token: string, acknowledged: number, signal: AbortSignal): Promise<Resumed>

  /**
   * Gives up an upload that an earlier process began, and removes what can be removed of it, without asking what is held:
   * where a full disk keeps an upload from being resumed, this makes room. Rejects with E_SESSION when the upload is
   * another configuration's.
   */
  cancel(token: string, signal: AbortSignal): Promise<void>

  /** The object under its final name, or null when there is none. */
  stat(object: string, signal: AbortSignal): Promise<StoredObject | null>

  /**
   * Every object in the destination's folder, not in folders below it, in any order; files that others put there too.
   * Pages are followed. Nothing when the folder is not there yet; E_DESTINATION where it is never made, so that a drive
   * is not connected. `digest` is null where a listing does not tell it.
   */
  list(signal: AbortSignal): AsyncGenerator<StoredObject & { readonly name: string }>

  /**
   * The bytes `from` to `to` (exclusive) of an object that `stat` or `commit` returned; a chunk is valid until the next is
   * asked for. It gives all of them or throws, E_DESTINATION with `stop` when the object is gone or ends before `to`.
   */
  read(object: StoredObject, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array>

  /** Deletes an object that `stat` or `commit` returned. One that is gone already is no error. */
  remove(object: StoredObject, signal: AbortSignal): Promise<void>

  /** Closes connections. Never rejects. */
  close(): Promise<void>
}
