import type { ByteRange, StoredObject } from '../../pipeline/contract/destination.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'

/** How a service gives a part of an object by HTTP. */
export interface DownloadService {
  /** The destination's name. */
  readonly name: string
  /** One request with this Range header. Rejects with a BackupError unless the answer `isDownload`. */
  request(range: string, signal: AbortSignal): Promise<Response>
  /** What a body stands for that broke off. */
  failed(error: unknown, signal: AbortSignal): BackupError
}

/** Whether an answer's status is for `download` to look at; what else there is the service judges. */
export function isDownload(status: number): boolean {
  return status === 200 || status === 206 || status === 416
}

/** `Destination.read` for a service: the bytes come as they arrive, at the reader's pace. */
export async function* download(
  object: StoredObject,
  { from, to }: ByteRange,
  service: DownloadService,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (to <= from) return
  const { name } = service
  const response = await service.request(`bytes=${from}-${to - 1}`, signal)
  let at = from
  try {
    const end = endOfBody(response, object, { from, to }, name)
    for await (const chunk of (response.body as AsyncIterable<Uint8Array> | null) ?? []) {
      const wanted = chunk.subarray(0, to - at)
      at += wanted.length
      if (wanted.length > 0) yield wanted
      // The end of a body that is just the range is waited for: its connection can be used again. Unless more comes.
      if (at === to && (end !== to || wanted.length < chunk.length)) return
    }
  } catch (error) {
    await response.body?.cancel().catch(() => undefined)
    if (at === to) return
    throw service.failed(error, signal)
  }
  if (at === to) return
  throw new BackupError('E_DESTINATION', `${name}: the download of ${object.path} ended ${to - at} bytes early.`, {
    remedy: 'retry',
  })
}

/** Where in the object the body ends. Throws when the body does not start at `from` or cannot reach `to`. */
function endOfBody({ status, headers }: Response, object: StoredObject, { from, to }: ByteRange, name: string): number {
  const [, first, last, total] =
    /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '') ?? []
  if (status === 200) {
    const length = headers.get('content-length')
    if (length !== null && Number(length) !== object.bytes) throw unreadable(name)
    if (from > 0) throw withoutRanges(name)
    return object.bytes
  }
  if (total !== undefined && total !== '*' && Number(total) < to) {
    throw new BackupError('E_DESTINATION', `${name}: ${object.path} has ${total} bytes, fewer than were stored.`, {
      advice: 'It has changed since it was stored: do not rely on this copy.',
    })
  }
  if (status !== 206 || last === undefined || Number(first) !== from) throw unreadable(name)
  return Number(last) + 1
}

const unreadable = (name: string): BackupError =>
  new BackupError('E_DESTINATION', `${name}: unexpected response while downloading the archive.`, {
    remedy: 'retry',
    advice: 'Check that no proxy or firewall answers instead of the service.',
  })

const withoutRanges = (name: string): BackupError =>
  new BackupError('E_DESTINATION', `${name}: the whole archive was sent instead of the requested range.`, {
    advice: 'A proxy or gateway on the way ignores the Range header: call the service without it.',
  })
