import type { Dropbox, DropboxRequestOptions, DropboxResponse } from 'dropbox'
import { abortError, BackupError } from '../../../pipeline/contract/errors.ts'
import type { DropboxConfig } from './settings.ts'
import { fieldOf, parseBody, readAnswer } from '../../http/answer.ts'
import { networkFailure } from '../../http/network-failure.ts'
import type { RequestBody, Transport } from '../../http/types.ts'
import { isDownload } from '../download.ts'
import type { DownloadService } from '../download.ts'
import { dropboxError, unreadable } from './errors.ts'
import type { AfterDoubt, Caller } from './errors.ts'
import { isStaleToken, refusalOf } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { dropboxTokens, isRenewable } from './tokens.ts'

/** Dropbox puts a large file together only at the finish, which took rclone's users minutes. */
const FINISH_ANSWER_MS = 15 * 60_000
const FINISH_PATH = '/2/files/upload_session/finish'
const DOWNLOAD_URL = 'https://content.dropboxapi.com/2/files/download'

export interface DropboxCall<T> {
  /** Builds its argument anew each time: the SDK may change it. */
  readonly send: (client: Dropbox, options: DropboxRequestOptions) => Promise<DropboxResponse<unknown>>
  /** What the result says; null when it is not what this call answers. */
  readonly read: (result: unknown) => T | null
  /** A refusal that is an answer too; undefined when it is an error. */
  readonly recover?: (refusal: Refusal) => T | undefined
  /** Default `retry`. */
  readonly afterDoubt?: AfterDoubt
}

/** What the SDK hands to its fetch; `signal` comes from the call's options. */
interface SdkRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody
  readonly signal: AbortSignal
  readonly archive?: boolean
}

export interface DropboxApi {
  readonly caller: Caller
  /**
   * One call through Dropbox's SDK, signed in. A token that was refused is renewed and the call made once more (docs/design.md,
   * *Retrying*). Rejects as `dropboxError` and `networkFailure` say.
   */
  call<T>(call: DropboxCall<T>, signal: AbortSignal): Promise<T>
  /** A part of the file with this id; past the SDK, which would take all of it into memory. */
  download(id: string): DownloadService
}

export function dropboxApi(config: DropboxConfig, transport: Transport): DropboxApi {
  const caller: Caller = { name: config.name, folder: config.folder, renewable: isRenewable(config) }
  const tokens = dropboxTokens(config, caller, transport)

  /** What the SDK is given. It knows of no token, so that it neither refreshes one nor holds one in an error. */
  const signedFetch = async (url: string, init: SdkRequest): Promise<Response> => {
    const attempt = (token: string): Promise<Response> => {
      const headers = { ...init.headers, Authorization: `Bearer ${token}` }
      const answerMs = url.endsWith(FINISH_PATH) ? { answerMs: FINISH_ANSWER_MS } : {}
      return transport.fetch(url, { ...init, ...answerMs, ...offsetIn(headers), headers })
    }
    const token = await tokens.current(init.signal)
    const response = await attempt(token)
    if (response.status !== 401) return response
    const text = await response.text()
    const { status, headers } = response
    const stale = isStaleToken(refusalOf({ status, headers, body: parseBody(text) }))
    const other = stale ? await tokens.renewed(token, init.signal) : null
    return other === null ? new Response(text, { status, headers }) : await attempt(other)
  }

  /** Start-up does not wait for the SDK; only a destination in use loads it. */
  let loading: Promise<Dropbox> | null = null
  const client = (): Promise<Dropbox> =>
    (loading ??= import('dropbox').then(({ Dropbox }) => new Dropbox({ fetch: signedFetch })))

  /** What a call threw that was no refusal; null when it is one. */
  const thrownError = (error: unknown, remedy: AfterDoubt, signal: AbortSignal): BackupError | null => {
    if (error instanceof BackupError) return error
    if (signal.aborted) return abortError(signal)
    return networkFailure(caller.name, error, { remedy, signal })
  }

  return {
    caller,
    async call({ send, read, recover, afterDoubt = 'retry' }, signal) {
      try {
        const { result } = await send(await client(), { signal })
        const value = read(result)
        if (value === null) throw unreadable(caller, afterDoubt)
        return value
      } catch (error) {
        const failure = thrownError(error, afterDoubt, signal)
        if (failure !== null) throw failure
        const refusal = refusalIn(error)
        if (refusal === null) throw unexpected(error, caller)
        const answer = recover?.(refusal)
        if (answer !== undefined) return answer
        throw dropboxError(refusal, caller, afterDoubt)
      }
    },
    download(id) {
      const failed = (error: unknown, signal: AbortSignal): BackupError =>
        thrownError(error, 'retry', signal) ?? unexpected(error, caller)
      return {
        name: caller.name,
        failed,
        async request(range, signal) {
          try {
            // An id is ASCII, as a header has to be.
            const headers = { 'Dropbox-API-Arg': JSON.stringify({ path: id }), Range: range }
            const response = await signedFetch(DOWNLOAD_URL, { method: 'POST', headers, signal, archive: true })
            if (isDownload(response.status)) return response
            throw dropboxError(refusalOf(await readAnswer(response)), caller)
          } catch (error) {
            throw failed(error, signal)
          }
        },
      }
    },
  }
}

/** For the log. https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append */
function offsetIn(headers: Readonly<Record<string, string>>): { readonly offset?: number } {
  const offset = fieldOf(fieldOf(parseBody(headers['Dropbox-API-Arg'] ?? ''), 'cursor'), 'offset')
  return typeof offset === 'number' ? { offset } : {}
}

/** The refusal in an error that the SDK made of an answer; null when it is another error. */
function refusalIn(error: unknown): Refusal | null {
  const status = fieldOf(error, 'status')
  const headers = fieldOf(error, 'headers')
  if (typeof status !== 'number' || !(headers instanceof Headers)) return null
  return refusalOf({ status, headers, body: fieldOf(error, 'error') })
}

/** Without the error as `cause`: nothing is known of what it holds. */
function unexpected(error: unknown, { name }: Caller): BackupError {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
  return new BackupError('E_INTERNAL', `${name}: an unexpected fault in a call to Dropbox (${what}).`, {
    advice: 'Please report it with the log file.',
  })
}
