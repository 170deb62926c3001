import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { asBackupError } from '../../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import { mustHaveTls } from '../../database/connect.ts'
import { childEnvironment, ending, killChild, started, type ChildEnd } from '../../dump/child.ts'
import { writeOptionFile } from '../../dump/option-file.ts'

export interface ClientRun {
  /** Path of the program: `findClientProgram`. */
  readonly program: string
  readonly server: DatabaseConfig
  /** The database to work in; null: none. */
  readonly database: string | null
  /** A folder that only this user can enter; holds the option file until the program has read it. */
  readonly folder: string
  /** Statements. A piece is not used any more when the next is asked for. */
  readonly input: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

/** How the program ended. */
export interface ClientEnd extends ChildEnd {
  /** What it answered: one line a row, no heads. */
  readonly stdout: string
}

type Program = ChildProcessByStdio<Writable, Readable, Readable>

/** More than a pipe holds: once it is taken the program has read its options and is connected. */
const SURELY_READ_BYTES = 1024 * 1024

/**
 * Feeds statements to the client program as fast as it takes them. Resolves when it has ended, however: with the first
 * statement that fails it ends by itself. Rejects with E_DUMP when it cannot be started, with E_STATE when its option file
 * cannot be written, and with what `input` throws; when that or the signal ends it early, it is killed.
 */
export async function runClient(run: ClientRun): Promise<ClientEnd> {
  const { program: file, server, database, folder, input, signal } = run
  await mustHaveTls(server, signal)
  const optionFile = await writeOptionFile(folder, server)
  let program: Program | null = null
  let ended: Promise<ClientEnd> | null = null
  const stop = (): void => {
    if (program !== null) killChild(program)
  }
  try {
    signal.throwIfAborted()
    program = start(file, clientArguments(server, database, optionFile.path), folder)
    ended = answered(program)
    // Its end closes the pipe while something is written to it.
    program.stdin.on('error', () => undefined)
    signal.addEventListener('abort', stop, { once: true })
    await started(program, `The client program ${file}`)
    let bytes = 0
    for await (const piece of input) {
      signal.throwIfAborted()
      // It has ended: what it said tells why.
      if (!(await written(program.stdin, piece))) break
      bytes += piece.length
      if (bytes > SURELY_READ_BYTES) await optionFile.remove()
    }
    signal.throwIfAborted()
    program.stdin.end()
    const end = await ended
    signal.throwIfAborted()
    return end
  } catch (error) {
    throw asBackupError(error, signal)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await ended
    await optionFile.remove()
  }
}

/** User and password stand in `optionFile`, never here. What an option file of the machine could change is set again. */
function clientArguments(server: DatabaseConfig, database: string | null, optionFile: string): string[] {
  return [
    `--defaults-extra-file=${optionFile}`, // must be the first
    ...connection(server),
    '--batch',
    '--skip-column-names',
    '--no-auto-rehash',
    '--default-character-set=utf8mb4',
    // The bodies of routines have comments of their own.
    '--comments',
    // Text is loaded as it was dumped. It also switches off commands of the client's own (`\!` runs a program), so that a
    // dump can do no more than its SQL.
    '--binary-mode',
    '--local-infile=0',
    '--skip-force',
    '--skip-reconnect',
    '--max-allowed-packet=1G',
    '--connect-timeout=10',
    ...(database === null ? [] : [`--database=${database}`]),
  ]
}

function connection({ host, port, socket }: DatabaseConfig): string[] {
  if (socket === null) return ['--protocol=tcp', `--host=${host}`, `--port=${port}`]
  if (process.platform !== 'win32') return ['--protocol=socket', `--socket=${socket}`]
  return ['--protocol=pipe', `--socket=${socket.replace(/^\\\\\.\\pipe\\/i, '')}`]
}

/** In a process group of its own: a Ctrl-C on the terminal reaches it through `signal` only. */
function start(program: string, args: readonly string[], folder: string): Program {
  const env = { ...childEnvironment(folder), MYSQL_HISTFILE: '/dev/null' }
  const detached = process.platform !== 'win32'
  return spawn(program, args, { env, detached, windowsHide: true, stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Whether the program took it. */
function written(stdin: Writable, piece: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    stdin.write(piece, (error) => {
      resolve(error == null)
    })
  })
}

/** Its end, with what it answered. Never rejects. */
async function answered(program: Program): Promise<ClientEnd> {
  let stdout = ''
  program.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const end = await ending(program)
  return { ...end, stdout }
}
