import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { fromReadable } from '../../pipeline/flow/from-readable.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { mustHaveTls } from '../database/connect.ts'
import { waitingFor } from '../database/waiting.ts'
import { dumpArguments, knowsHistory, type DumpContent } from './arguments.ts'
import { childEnvironment, ending, killChild, started, type ChildEnd } from './child.ts'
import { identifyClient, type DumpClient } from './client.ts'
import { dumpFailure } from './failure.ts'
import { findDumpProgram } from './find-program.ts'
import { writeOptionFile } from './option-file.ts'
import { dumpOutline, type DumpOutline } from './outline.ts'

export interface DumpOptions {
  /** A folder that only this user can read; holds the option file until the program has read it. */
  readonly folder: string
  readonly signal: AbortSignal
  /** What is special about this database; absent: nothing. */
  readonly content?: DumpContent
  /** How long the program may be silent before it is given up; absent: 30 minutes. ms. */
  readonly stallMs?: number
}

const STALL_MS = 30 * 60_000
const NOTHING_SPECIAL: DumpContent = { leaveOut: [], history: false }

export interface DumpSummary {
  /** Tables whose structure is in the dump; views are none. */
  readonly tables: number
  readonly tableNames: readonly string[]
  readonly bytes: number
  /** The program that made it: 'mariadb-dump 11.4.2'. */
  readonly client: string
  /** Whether the earlier rows of system-versioned tables are in it, if there are such tables. */
  readonly history: boolean
}

/** A dump that is being made while it is read, once. */
export interface Dump extends AsyncIterable<Buffer> {
  /** Null until the last byte has been read and the dump was found whole. */
  readonly summary: DumpSummary | null
}

type Program = ChildProcessByStdio<null, Readable, Readable>

/** What Windows programs end with on Ctrl-C, which the console hands to each of them. */
const STATUS_CONTROL_C_EXIT = 0xc000013a

/**
 * Dumps a database with the machine's own dump program, as fast as it is read: nothing starts before the first read. It
 * is to be read without long pauses (spool.ts): a server ends the connection when nobody reads for its
 * net_write_timeout, 60 s. Reading ends well only when the program ended with status 0 and wrote its last line.
 * Otherwise it rejects with E_DUMP (no program, server not reached, dump incomplete), E_AUTH (sign-in or privilege
 * refused) or E_STATE (no option file), with the program's own words in the message. When the signal aborts or the
 * reader stops early the program is killed.
 */
export function dumpDatabase(database: DatabaseConfig, options: DumpOptions): Dump {
  let summary: DumpSummary | null = null
  async function* read(): AsyncGenerator<Buffer> {
    const client = await identifyClient(await findDumpProgram(database.dumpCommand), options.signal)
    const outline = dumpOutline()
    yield* runProgram(client, database, outline, options)
    const { tableNames, bytes } = outline
    summary = { tables: tableNames.length, tableNames, bytes, client: client.name, history: knowsHistory(client) }
  }
  const bytes = read()
  return {
    [Symbol.asyncIterator]: () => bytes,
    get summary() {
      return summary
    },
  }
}

async function* runProgram(
  client: DumpClient,
  database: DatabaseConfig,
  outline: DumpOutline,
  { folder, signal, content = NOTHING_SPECIAL, stallMs = STALL_MS }: DumpOptions,
): AsyncGenerator<Buffer> {
  await mustHaveTls(database, signal)
  const optionFile = await writeOptionFile(folder, database, content.leaveOut)
  let program: Program | null = null
  let ended: Promise<ChildEnd> | null = null
  const stop = (): void => {
    if (program !== null) killChild(program)
  }
  let isRead = true
  const stall: { waiting: Promise<string> | null } = { waiting: null }
  const timer = setTimeout(() => {
    // A reader that takes its time is no silence of the program.
    if (!isRead) timer.refresh()
    else stall.waiting = waitingFor(database).finally(stop)
  }, stallMs)
  try {
    signal.throwIfAborted()
    program = start(client, dumpArguments(client, database, optionFile.path, content), folder)
    ended = ending(program)
    signal.addEventListener('abort', stop, { once: true })
    await started(program, `The dump program ${client.program}`)

    for await (const chunk of fromReadable(program.stdout)) {
      signal.throwIfAborted()
      // It connects before it writes: the option file has been read.
      if (outline.bytes === 0) await optionFile.remove()
      outline.add(chunk)
      isRead = false
      yield chunk
      isRead = true
      timer.refresh()
    }
    const end = await ended
    signal.throwIfAborted()
    if (stall.waiting !== null) throw silent(database, stallMs, await stall.waiting)
    if (end.status === STATUS_CONTROL_C_EXIT) throw new BackupError('E_ABORTED', 'The run was stopped.')
    if (end.status !== 0) throw dumpFailure(database, client.program, end)
    if (!outline.complete) throw incomplete(database, client)
  } catch (error) {
    throw asBackupError(error, signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    stop()
    await ended
    await optionFile.remove()
  }
}

/**
 * Starts the program in a process group of its own, so that a Ctrl-C on the terminal reaches it through `signal` only
 * and a run that is stopped in good order still gets the rest of the dump.
 */
function start({ program }: DumpClient, args: readonly string[], folder: string): Program {
  const env = childEnvironment(folder)
  const detached = process.platform !== 'win32'
  return spawn(program, args, { env, detached, windowsHide: true, stdio: ['ignore', 'pipe', 'pipe'] })
}

function silent({ name }: DatabaseConfig, stallMs: number, waiting: string): BackupError {
  const minutes = Math.max(1, Math.round(stallMs / 60_000))
  const message = `The dump of database ${name} was given up: for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} not a byte came. ${waiting}`
  return new BackupError('E_DUMP', message.trim(), {
    advice: 'End what locks the tables (SHOW PROCESSLIST names it), then run the backup again.',
  })
}

function incomplete(database: DatabaseConfig, client: DumpClient): BackupError {
  return new BackupError(
    'E_DUMP',
    `The dump of database ${database.name} is not whole: ${client.program} ended without its last line, "-- Dump completed".`,
    { advice: 'Run the backup again. If it happens again, run the dump program by hand and compare.' },
  )
}
