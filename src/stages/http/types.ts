/**
 * The HTTP client that both services' SDKs are given: node:http(s) with kept connections, deadlines and other origins.
 */

/**
 * A request body. An array of chunks is sent one after the other, with a Content-Length, without being joined or
 * copied.
 */
export type RequestBody = string | Uint8Array | readonly Uint8Array[] | URLSearchParams | null

export interface TransportRequest {
  readonly method?: string
  readonly headers?: Headers | Readonly<Record<string, string>> | readonly (readonly [string, string])[]
  readonly body?: RequestBody
  readonly signal?: AbortSignal | null
  /** This request's own `answerMs`, for a call that the service answers late. */
  readonly answerMs?: number
  /** For the log: where in an upload the body begins, when no header of HTTP's own says so. */
  readonly offset?: number
  /**
   * What is asked for are an archive's bytes: an answer that gives them (200, 206) has no limit but the reader's. Every
   * other answer is small, and fails beyond `answerBytes` or `wholeMs`.
   */
  readonly archive?: boolean
}

export interface TransportOptions {
  /** Of the destination whose requests these are, for the log. */
  readonly destination?: string
  /**
   * Real origin → origin to call in its place, e.g. 'https://content.dropboxapi.com' → 'http://127.0.0.1:9000'. The
   * request then carries the real host in X-Forwarded-Host.
   */
  readonly origins?: Readonly<Record<string, string>>
  /** A request fails after this many ms without a byte moving in either direction. */
  readonly stallMs?: number
  /** A request fails when its answer has not begun this many ms after its last byte was sent. */
  readonly answerMs?: number
  /** An answer that is no archive fails when it has not ended this many ms after it began. */
  readonly wholeMs?: number
  /** Or when it has more bytes than this. */
  readonly answerBytes?: number
}

export interface Transport {
  /**
   * Like the global fetch, with `RequestBody`. Never follows a redirect (Drive's 308 is an answer). Rejects with a
   * TransportError when no answer came.
   */
  readonly fetch: (url: string | URL, request?: TransportRequest) => Promise<Response>
  /** Closes kept connections and fails what is under way. */
  close(): void
}
