/** What the dump program and the client program have in common as processes of ours. */
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import { wordsOf } from '../windows/code-page.ts'

/** How a program ended. */
export interface ChildEnd {
  /** Null when it was killed. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  /** What it wrote to stderr; of a lot, the end. */
  readonly stderr: string
}

const STDERR_BYTES = 16 * 1024

/**
 * The environment of a program that reads our option file: option files of the user's own (~/.my.cnf, the login path file)
 * come after ours and would beat its password. `folder` has none.
 */
export function childEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: folder, MYSQL_TEST_LOGIN_FILE: path.join(folder, 'no-login-path') }
}

/** Resolves when the program runs; rejects with E_DUMP when it cannot be started. `what`: 'The dump program mysqldump'. */
export async function started(program: ChildProcess, what: string): Promise<void> {
  try {
    await once(program, 'spawn')
  } catch (error) {
    throw new BackupError('E_DUMP', `${what} cannot be started (${systemCode(error)}).`, {
      advice: 'Run it by hand with --version.',
      cause: error,
    })
  }
}

/** Ends the program and, where it is a script, what it started. It holds nothing that would need an orderly end. */
export function killChild(program: ChildProcess): void {
  if (program.pid === undefined || program.exitCode !== null || program.signalCode !== null) return
  try {
    if (process.platform === 'win32') program.kill('SIGKILL')
    else process.kill(-program.pid, 'SIGKILL')
  } catch {
    // It ended by itself just now.
  }
}

/** How the program ends, once everything it wrote has been read or thrown away. Never rejects. */
export function ending(program: ChildProcess & { readonly stderr: Readable }): Promise<ChildEnd> {
  let stderr = ''
  // Bytes, until it is known what they are.
  program.stderr.setEncoding('latin1').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_BYTES)
  })
  return new Promise((resolve) => {
    program.once('error', (error) => {
      resolve({ status: null, signal: null, stderr: error.message })
    })
    program.once('close', (status, signal) => {
      resolve({ status, signal, stderr: wordsOf(Buffer.from(stderr, 'latin1'), 'ACP') })
    })
  })
}
