import type { Answer } from './answer.ts'
import type { Blob } from './storage.ts'

/** The answer to a download with or without a `Range: bytes=a-b` header (RFC 9110, 14.2; one range, no suffix form). */
export function download(blob: Blob, bytes: number, range: string | null, headers: Record<string, string>): Answer {
  if (blob.file === null)
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'This stand-in keeps no bytes.' }
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', ...headers }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) return { status: 200, headers: common, body: { bytes, chunks: blob.read(0, bytes) } }
  const start = Number(from)
  const end = to === undefined || to === '' ? bytes : Math.min(Number(to) + 1, bytes)
  if (start >= bytes || end <= start) return { status: 416, headers: { 'content-range': `bytes */${bytes}` } }
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${start}-${end - 1}/${bytes}` },
    body: { bytes: end - start, chunks: blob.read(start, end) },
  }
}
