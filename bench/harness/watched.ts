import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

export interface Watched {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Wall time from start to end of the process. */
  readonly ms: number
  /** The most that it and its children had resident at once; null where the system does not tell. */
  readonly peakBytes: number | null
  /** CPU time of it and its children. */
  readonly cpuMs: number
}

export interface WatchOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Called with the process's id when it has started. */
  readonly onStart?: (pid: number) => void
}

/** Ticks of /proc's times in a second (USER_HZ, the same on every Linux that Node runs on). */
const TICKS = 100

/** Runs a program to its end, and watches it and its children: their memory and the time they take of the cores. */
export async function watched(
  command: string,
  args: readonly string[],
  { cwd, env = {}, onStart }: WatchOptions = {},
): Promise<Watched> {
  const started = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })
  const { pid = -1 } = child
  onStart?.(pid)
  let peakBytes: number | null = null
  const cpu = new Map<number, number>()
  const look = (): void => {
    let sum = 0
    for (const one of treeOf(pid)) {
      sum += peakOf(one) ?? 0
      cpu.set(one, cpuMsOf(one) ?? cpu.get(one) ?? 0)
    }
    if (sum > 0) peakBytes = Math.max(peakBytes ?? 0, sum)
  }
  const watch = setInterval(look, 20)
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    const ms = performance.now() - started
    return { code, stdout, stderr, ms, peakBytes, cpuMs: [...cpu.values()].reduce((sum, one) => sum + one, 0) }
  } finally {
    clearInterval(watch)
  }
}

/** CPU time that a process has taken so far, ms; null when it is gone or the system does not tell. */
export function cpuMsOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`)
  // The name may hold spaces and brackets; what follows it does not.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields?.[11]) + Number(fields?.[12])
  return Number.isNaN(ticks) ? null : (ticks * 1000) / TICKS
}

/** The most that a process ever had resident (VmHWM), bytes; null when it is gone or the system does not tell. */
export function peakOf(pid: number): number | null {
  const kib = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? null : Number(kib) * 1024
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
