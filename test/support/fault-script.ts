/**
 * Which of the program's calls to the file system fails, and how: FAULT_KIND at call number FAULT_NTH, counted from 1.
 * Only those on what lies below the folders of FAULT_FOLDERS (a JSON list) count, and those to SQLite. At the end of the
 * process a `FaultReport` is in the file FAULT_REPORT.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * `eio`: this one call fails. `enospc`: it fails if it writes, and so do all that write after it. `kill-before` and
 * `kill-after` it; `kill-torn`: half of what it should write is written.
 */
export type FileFault = 'none' | 'eio' | 'enospc' | 'kill-before' | 'kill-after' | 'kill-torn'

export interface FaultReport {
  readonly calls: number
  /** The call that failed, 'write state/runs/…'; null: the run needed no fault. */
  readonly hit: string | null
}

/** A call of the program's. */
export interface Call {
  readonly name: string
  readonly file: string
  readonly writes: boolean
  readonly real: () => unknown
  /** The same with half of the data; null where there is none. */
  readonly half: (() => unknown) | null
  readonly error: (kind: 'eio' | 'enospc') => Error
}

const folders = JSON.parse(process.env['FAULT_FOLDERS'] ?? '[]') as readonly string[]
const nth = Number(process.env['FAULT_NTH'] ?? 0)
const kind = (process.env['FAULT_KIND'] ?? 'none') as FileFault
const reportFile = process.env['FAULT_REPORT']

let calls = 0
let hit: string | null = null

const report = (): void => {
  if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify({ calls, hit } satisfies FaultReport))
}
process.once('exit', report)

function kill(): never {
  report()
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

/** Counts a call and does it, or what the fault makes of it. */
export function meet(call: Call): unknown {
  calls += 1
  const isMet = calls === nth || (kind === 'enospc' && calls > nth && nth > 0)
  if (!isMet || kind === 'none' || (kind === 'enospc' && !call.writes)) return call.real()
  hit ??= `${call.name} ${call.file}`
  switch (kind) {
    case 'kill-before':
      return kill()
    case 'kill-torn':
      return after(call.half === null ? null : call.half(), kill)
    case 'kill-after':
      return after(call.real(), kill)
    default:
      // The system lets go of a file even where closing it fails.
      return after(call.name === 'close' ? call.real() : null, () => {
        throw call.error(kind)
      })
  }
}

function after(value: unknown, then: () => never): unknown {
  if (!(value instanceof Promise)) return then()
  return value.then(then)
}

export const isOurs = (file: unknown): file is string =>
  typeof file === 'string' && folders.some((one) => file === one || file.startsWith(one + path.sep))

export const systemError = (name: string, file: string) => (wanted: 'eio' | 'enospc') => {
  const [code, errno, text] = wanted === 'eio' ? ['EIO', -5, 'i/o error'] : ['ENOSPC', -28, 'no space left on device']
  return Object.assign(new Error(`${code}: ${text}, ${name} '${file}'`), { code, errno, syscall: name, path: file })
}

/** https://www.sqlite.org/rescode.html#ioerr, #full */
export const sqliteError = (wanted: 'eio' | 'enospc'): Error => {
  const [errcode, errstr] = wanted === 'eio' ? [10, 'disk I/O error'] : [13, 'database or disk is full']
  return Object.assign(new Error(errstr), { code: 'ERR_SQLITE_ERROR', errcode, errstr })
}
