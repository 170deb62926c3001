import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { systemCode } from '../../src/pipeline/contract/errors.ts'

export interface Watched {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Wall time from start to end of the process. */
  readonly ms: number
  /** The most that it and its children had resident at one moment, bytes; NaN where the system does not say. */
  readonly peakBytes: number
  /** Processor time of it and of all children that were waited for; NaN where the system does not say. */
  readonly cpuMs: number
  /** The most that lay in the folder of the options, bytes; 0 without one. */
  readonly folderBytes: number
}

export interface WatchOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** A folder whose size is watched too. */
  readonly folder?: string
  /** Called with the process's id when it has started. */
  readonly onStart?: (pid: number) => void
}

/** Ticks of /proc's times in a second (USER_HZ, the same on every Linux that Node runs on). */
const TICKS = 100

/**
 * Runs a program to its end, and watches it and its children. One at a time: the processor time is what the system
 * charges this process with for children that have ended (proc(5), cutime and cstime), so none is missed, however short.
 */
export async function watched(
  command: string,
  args: readonly string[],
  { cwd, env = {}, folder, onStart }: WatchOptions = {},
): Promise<Watched> {
  const before = endedChildrenMs()
  const started = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })
  const { pid } = child
  let peakBytes = NaN
  let folderBytes = 0
  const look = (): void => {
    peakBytes = larger(peakBytes, pid === undefined ? NaN : residentBytes(pid))
    if (folder !== undefined) folderBytes = Math.max(folderBytes, sizeOf(folder))
  }
  const watch = setInterval(look, 20)
  try {
    const ended = Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ])
    if (pid !== undefined) onStart?.(pid)
    const [stdout, stderr, [code, signal]] = await ended
    const ms = performance.now() - started
    return { code, signal, stdout, stderr, ms, peakBytes, cpuMs: endedChildrenMs() - before, folderBytes }
  } finally {
    clearInterval(watch)
  }
}

/** Ends a process at once, if it has not ended by itself. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

const larger = (one: number, other: number): number => (Number.isNaN(one) || other > one ? other : one)

/**
 * Of a process and its children together, now. What a single one ever had (VmHWM) is known without looking at the right
 * moment; for several, adding that up would count moments that never were at once.
 */
function residentBytes(pid: number): number {
  const all = treeOf(pid).map((one) => memoryOf(one))
  const now = all.reduce((sum, { resident }) => sum + (resident ?? 0), 0)
  const most = Math.max(now, ...all.map(({ highest }) => highest ?? 0))
  return most === 0 ? NaN : most
}

function memoryOf(pid: number): { readonly resident: number | null; readonly highest: number | null } {
  const status = read(`/proc/${pid}/status`) ?? ''
  const bytes = (name: string): number | null => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
    return kib === undefined ? null : Number(kib) * 1024
  }
  return { resident: bytes('VmRSS'), highest: bytes('VmHWM') }
}

/** Processor time that a process has taken so far, ms; NaN when it is gone or the system does not say. */
export const cpuMsOf = (pid: number): number => timesOf(pid, 11)

/** Processor time of this process's children that have ended, and of theirs. */
const endedChildrenMs = (): number => timesOf('self', 13)

/** Two neighbouring fields of /proc/PID/stat, counted from behind the process's name. */
function timesOf(pid: number | 'self', field: number): number {
  const stat = read(`/proc/${pid}/stat`)
  // The name may hold spaces and brackets; what follows it does not.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields?.[field]) + Number(fields?.[field + 1])) * 1000) / TICKS
}

function treeOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`)?.trim().split(' ').filter(Boolean) ?? []
  return [pid, ...children.flatMap((child) => treeOf(Number(child)))]
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function sizeOf(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
      const full = path.join(folder, entry.name)
      return sum + (entry.isDirectory() ? sizeOf(full) : statSync(full).size)
    }, 0)
  } catch {
    return 0 // removed meanwhile
  }
}
