import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { builtProgram } from '../../bench/built-program.ts'
import { withThisProcess } from './with-this-process.ts'

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** A program with its arguments that starts it in its turn. */
  readonly through?: readonly string[]
  /** Lets `onStart` write to its stdin, which else is empty. */
  readonly writes?: boolean
  /** Called with the running process. */
  readonly onStart?: (child: ChildProcess) => void
}

/** Runs the program as its user would, as it is published, in a process of its own and without a terminal. */
export async function dicomBackup(
  args: readonly string[],
  { cwd, env, through = [], writes = false, onStart }: CliOptions = {},
): Promise<CliResult> {
  const [program, ...words] = withThisProcess([...through, process.execPath, await builtProgram(), ...args])
  const common = { cwd, env: { ...process.env, NO_COLOR: '1', ...env } }
  const child = writes
    ? spawn(program, words, { ...common, stdio: ['pipe', 'pipe', 'pipe'] })
    : spawn(program, words, { ...common, stdio: ['ignore', 'pipe', 'pipe'] })
  onStart?.(child)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}
