import type { drive_v3, MethodOptions } from '@googleapis/drive'
import type { GoogleDriveConfig } from './settings.ts'
import type { RequestBody, Transport, TransportRequest } from '../../http/types.ts'
import { readAnswer } from '../../http/answer.ts'
import type { Answer } from '../../http/answer.ts'
import { reasonOf } from './answer.ts'
import { isDownload } from '../download.ts'
import type { DownloadService } from '../download.ts'
import { driveError, thrownError, FLAGGED } from './errors.ts'
import type { CallKind, Caller } from './errors.ts'
import { googleTokens } from './tokens.ts'

/**
 * The two ways to call Google Drive, both signed in. A token that was refused is renewed and the call made once more
 * (docs/design.md, *Retrying*).
 */
export interface DriveApi {
  readonly caller: Caller
  /** One call through Google's client. Null when the thing is not there (404). Rejects as `driveError` says. */
  metadata<T>(call: MetadataCall<T>, signal: AbortSignal): Promise<T | null>
  /** One request as it is; every answer is an answer. Rejects only when none came, or without a sign-in. */
  send(kind: CallKind, url: string, request: SignedRequest): Promise<Answer>
  /** A part of the file with this id; past Google's client, so that the connection is ours to end. */
  download(fileId: string): DownloadService
}

export type MetadataCall<T> = (
  drive: drive_v3.Drive,
  options: MethodOptions,
) => Promise<{ readonly status: number; readonly data: T }>

export interface SignedRequest {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | readonly Uint8Array[]
  readonly signal: AbortSignal
}

const FILES_URL = 'https://www.googleapis.com/drive/v3/files'

const isMissing = (status: number): boolean => status === 404

export function driveApi(config: GoogleDriveConfig, transport: Transport): DriveApi {
  const caller: Caller = { name: config.name, folder: config.folder, isServiceAccount: config.oauth === null }
  const tokens = googleTokens(config, caller, transport)

  const signedFetch = async (url: string | URL, request: TransportRequest, signal: AbortSignal): Promise<Response> => {
    const attempt = (token: string): Promise<Response> => {
      const headers = new Headers(request.headers as ConstructorParameters<typeof Headers>[0])
      headers.set('authorization', `Bearer ${token}`)
      return transport.fetch(url, { ...request, headers, signal })
    }
    const token = await tokens.current(signal)
    const response = await attempt(token)
    if (response.status !== 401) return response
    await response.text().catch(() => '')
    return await attempt(await tokens.renewed(token, signal))
  }

  /** Start-up does not wait for Google's client; only a destination in use loads it. */
  let loading: Promise<drive_v3.Drive> | null = null
  const client = (): Promise<drive_v3.Drive> =>
    (loading ??= import('@googleapis/drive').then(({ drive }) =>
      drive({
        version: 'v3',
        fetchImplementation: async (url, init = {}) => {
          const { method = 'GET', headers = {}, body = null, signal } = init
          const request = { method, headers: new Headers(headers), body: body as RequestBody }
          const response = await signedFetch(url as URL, request, signal as AbortSignal)
          if (response.ok || isMissing(response.status)) return response
          throw driveError(await readAnswer(response), 'metadata', caller)
        },
        validateStatus: (status) => (status >= 200 && status < 300) || isMissing(status),
        retry: false,
        errorRedactor: false,
      }),
    ))

  return {
    caller,
    async metadata(call, signal) {
      try {
        const answer = await call(await client(), { signal })
        return isMissing(answer.status) ? null : answer.data
      } catch (error) {
        throw thrownError(error, 'metadata', caller, signal)
      }
    },
    async send(kind, url, { signal, ...request }) {
      try {
        return await readAnswer(await signedFetch(url, request, signal))
      } catch (error) {
        throw thrownError(error, kind, caller, signal)
      }
    },
    download: (fileId) => ({
      name: caller.name,
      failed: (error, signal) => thrownError(error, 'metadata', caller, signal),
      async request(range, signal) {
        try {
          const url = `${FILES_URL}/${encodeURIComponent(fileId)}?alt=media&supportsAllDrives=true`
          const fetchFrom = (address: string): Promise<Response> =>
            signedFetch(address, { headers: { range }, archive: true }, signal)
          const response = await fetchFrom(url)
          if (isDownload(response.status)) return response
          let answer = await readAnswer(response)
          if (answer.status === 403 && reasonOf(answer.body) === FLAGGED) {
            // Its owner knows what is in it: an archive of their own, whose bytes are compared with its manifest.
            const owned = await fetchFrom(`${url}&acknowledgeAbuse=true`)
            if (isDownload(owned.status)) return owned
            answer = await readAnswer(owned)
          }
          throw driveError(answer, 'metadata', caller)
        } catch (error) {
          throw thrownError(error, 'metadata', caller, signal)
        }
      },
    }),
  }
}
