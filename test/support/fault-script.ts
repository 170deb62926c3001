/**
 * Which of the program's calls to the file system fails, and how: `kind` at call number `nth`, counted from 1. Only those
 * on what lies below `folders` count, and those to SQLite. A process that is started for it reads them from
 * FAULT_FOLDERS (a JSON list), FAULT_NTH and FAULT_KIND, and at its end a `FaultReport` is in the file FAULT_REPORT; a
 * test that runs the program in its own process calls `arm`.
 */
import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'

/**
 * `eio`: this one call fails; a code of the system's, 'EROFS': with that one. `enospc`: it fails if it writes, and so do all that write after it. `kill-before` and
 * `kill-after` it; `kill-torn`: half of what it should write is written.
 */
export type FileFault = 'none' | Failure | 'kill-before' | 'kill-after' | 'kill-torn'
export type Failure = 'eio' | 'enospc' | `E${string}`

export interface FaultPlan {
  readonly folders: readonly string[]
  /** 0: no call. */
  readonly nth: number
  readonly kind: FileFault
  /** Called before each call, with its number. */
  readonly onCall?: (n: number) => void
}

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
  readonly error: (kind: Failure) => Error
}

let plan: FaultPlan = {
  folders: JSON.parse(process.env['FAULT_FOLDERS'] ?? '[]') as readonly string[],
  nth: Number(process.env['FAULT_NTH'] ?? 0),
  kind: (process.env['FAULT_KIND'] ?? 'none') as FileFault,
}
const reportFile = process.env['FAULT_REPORT']

let calls = 0
let hit: string | null = null
/** What `onCall` does itself is not counted. */
let isLooking = false

/** Counts anew, by another plan. Returns what has come of it so far. */
export function arm(next: FaultPlan): () => FaultReport {
  plan = next
  calls = 0
  hit = null
  return () => ({ calls, hit })
}

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
  if (isLooking) return call.real()
  const { nth, kind, onCall } = plan
  calls += 1
  if (onCall !== undefined) {
    isLooking = true
    try {
      onCall(calls)
    } finally {
      isLooking = false
    }
  }
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

/** However the call ends: one that finds nothing rejects by itself. */
function after(value: unknown, then: () => never): unknown {
  if (!(value instanceof Promise)) return then()
  return value.then(then, then)
}

/** But for what a run shows to others of how far it is: that is written beside it, at times of its own. */
export const isOurs = (file: unknown): file is string =>
  typeof file === 'string' &&
  !path.basename(file).startsWith('running.json') &&
  plan.folders.some((one) => file === one || file.startsWith(one + path.sep))

export const systemError = (name: string, file: string) => (wanted: Failure) => {
  const code = wanted.toUpperCase()
  const errno = -(new Map(Object.entries(constants.errno)).get(code) ?? 5)
  return Object.assign(new Error(`${code}: a fault of the test's, ${name} '${file}'`), {
    code,
    errno,
    syscall: name,
    path: file,
  })
}

/** https://www.sqlite.org/rescode.html#ioerr, #full */
export const sqliteError = (wanted: Failure): Error => {
  const [errcode, errstr] = wanted === 'enospc' ? [13, 'database or disk is full'] : [10, 'disk I/O error']
  return Object.assign(new Error(errstr), { code: 'ERR_SQLITE_ERROR', errcode, errstr })
}
