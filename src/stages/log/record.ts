import { errorReport } from './error-report.ts'
import { MARK, redact } from '../text/redact.ts'

const DEEPEST = 6

/** Names under which requests, answers and settings keep secrets. */
const SECRET_NAME =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|passw(?:or)?d|passphrase|.*secret|.*token|private_?key|upload_?id|session_?id)$/i

/** What is logged, before it becomes JSON: errors as reports, bytes as their number, and only so deep. */
export function plainRecord(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return errorReport(value)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (value instanceof Date || value instanceof URL) return value.toJSON()
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEEPEST) return '…'
  if (Array.isArray(value)) return value.map((item) => plainRecord(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainRecord(inner, depth + 1)]))
}

/** Our own names stay, whatever the secrets are. */
const OWN_NAMES: ReadonlySet<string> = new Set(['msg', 'pid', 'err', 'code', 'message', 'advice', 'causes', 'stack'])

/** A line of the log, parsed, without its secrets. Works on each value, so that what is left is JSON again. */
export function redactRecord(line: string): Record<string, unknown> {
  const { level, time, ...rest } = JSON.parse(line) as Record<string, unknown>
  return { level, time, ...(redactValue(rest) as Record<string, unknown>) }
}

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'number') return redact(String(value)) === MARK ? MARK : value
  if (Array.isArray(value)) return value.map(redactValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      OWN_NAMES.has(key) ? key : redact(key),
      SECRET_NAME.test(key) && inner !== null ? MARK : redactValue(inner),
    ]),
  )
}
