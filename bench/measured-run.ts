import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { RunResult } from '../src/stages/backup/results.ts'
import { builtProgram } from './built-program.ts'

export interface MeasuredRun {
  readonly code: number | null
  readonly result: RunResult
  readonly stderr: string
  /** Wall time from start to end of the process. */
  readonly ms: number
  /** The most memory the process had resident (VmHWM), in bytes; null where the system does not tell. */
  readonly peakBytes: number | null
  /** The most that lay in the state folder, in bytes. */
  readonly stateBytes: number
}

/** Runs `dicom-backup run` as a user would, in a process of its own, and watches it. */
export async function measuredRun(
  configFile: string,
  stateFolder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<MeasuredRun> {
  const program = await builtProgram()
  const started = performance.now()
  const child = spawn(process.execPath, [program, 'run', '--json', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let peakBytes: number | null = null
  let stateBytes = 0
  const watch = setInterval(() => {
    peakBytes = peakOf(child.pid) ?? peakBytes
    stateBytes = Math.max(stateBytes, sizeOf(stateFolder))
  }, 20)
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    const ms = performance.now() - started
    return { code, result: JSON.parse(stdout) as RunResult, stderr, ms, peakBytes, stateBytes }
  } finally {
    clearInterval(watch)
  }
}

function peakOf(pid: number | undefined): number | null {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? null : Number(kib) * 1024
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
    return 0
  }
}
