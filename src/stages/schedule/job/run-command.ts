import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { systemCode } from '../../../pipeline/errors.ts'
import type { JobCommand } from './job.ts'

export interface CommandEnd {
  /** Null when the program is not there or was killed. */
  readonly code: number | null
  readonly stdout: string
  /** What it said of a failure; or, when it could not be started, the system's error code. */
  readonly words: string
}

/** Runs a scheduler's own program. Never rejects. */
export async function runCommand({ words: [program = '', ...args], input }: JobCommand): Promise<CommandEnd> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
  // Nobody may read what is written to it: then the program's own end tells why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const ended = new Promise<{ code: number | null; error: string }>((resolve) => {
    child.once('error', (error) => {
      resolve({ code: null, error: systemCode(error) })
    })
    child.once('close', (code) => {
      resolve({ code, error: '' })
    })
  })
  const [stdout, stderr, { code, error }] = await Promise.all([
    text(child.stdout).catch(() => ''),
    text(child.stderr).catch(() => ''),
    ended,
  ])
  return { code, stdout, words: `${error}${stderr}`.trim() || stdout.trim() }
}
