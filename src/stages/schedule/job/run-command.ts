import { spawn } from 'node:child_process'
import { systemCode } from '../../../pipeline/contract/errors.ts'
import { wordsOf } from '../../windows/code-page.ts'
import type { JobCommand } from './job.ts'

export interface CommandEnd {
  /** Null when the program is not there or was killed. */
  readonly code: number | null
  readonly stdout: string
  /** What it said of a failure; or, when it could not be started, the system's error code. */
  readonly words: string
}

export interface CommandLimits {
  /** How long the program may take. ms. */
  readonly runMs: number
  /** How long its output may stay open behind its end: a console of Windows, or a child of it, may keep it. ms. */
  readonly outputMs: number
}

const LIMITS: CommandLimits = { runMs: 60_000, outputMs: 2000 }

/** Runs a scheduler's own program; one that does not end in time is killed. Never rejects. */
export async function runCommand(
  { words: [program = '', ...args], input }: JobCommand,
  { runMs, outputMs }: CommandLimits = LIMITS,
): Promise<CommandEnd> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
  // Nobody may read what is written to it: then the program's own end tells why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const timers: NodeJS.Timeout[] = []
  const after = (ms: number, call: () => void): void => {
    timers.push(setTimeout(call, ms))
  }
  const evict = (): void => {
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const ended = new Promise<{ code: number | null; error: string }>((resolve) => {
    let error = ''
    after(runMs, () => {
      error = `did not answer within ${runMs / 1000} seconds. `
      child.kill('SIGKILL')
    })
    child.once('error', (thrown) => {
      resolve({ code: null, error: systemCode(thrown) })
    })
    child.once('exit', (code) => {
      after(outputMs, evict)
      resolve({ code, error })
    })
  })
  const [stdout, stderr, { code, error }] = await Promise.all([all(child.stdout), all(child.stderr), ended])
  for (const timer of timers) clearTimeout(timer)
  return { code, stdout, words: `${error}${stderr}`.trim() || stdout.trim() }
}

/** What the program wrote until its end, or until nobody waits for more. */
async function all(output: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of output) pieces.push(Buffer.from(piece))
  } catch {
    // Let go of: what was written before counts.
  }
  return wordsOf(Buffer.concat(pieces), 'OEMCP')
}
