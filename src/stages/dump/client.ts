import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { abortError, BackupError } from '../../pipeline/contract/errors.ts'

/** A dump program and what it says it is. */
export interface DumpClient {
  readonly program: string
  readonly flavour: 'mysql' | 'mariadb'
  /** [8, 0, 36] */
  readonly version: readonly [number, number, number]
  /** For people: 'mysqldump 8.0.36', 'mariadb-dump 11.4.2'. */
  readonly name: string
  /** The long options that its own help lists, without the dashes: 'dump-history'. Empty when it gives no help. */
  readonly options: ReadonlySet<string>
}

/**
 * Asks the program at `program` for its version and its options. Rejects with E_DUMP when it cannot be run or is no dump
 * program.
 */
export async function identifyClient(program: string, signal: AbortSignal): Promise<DumpClient> {
  const [version, help] = await Promise.allSettled([ask(program, '--version', signal), ask(program, '--help', signal)])
  if (version.status === 'rejected') throw version.reason
  const client = parseVersion(version.value)
  if (client !== null) return { program, ...client, options: optionsIn(help.status === 'fulfilled' ? help.value : '') }
  throw new BackupError('E_DUMP', `${program} is not mysqldump or mariadb-dump: its version says something else.`, {
    advice: 'Set database.dumpCommand to mysqldump or mariadb-dump.',
  })
}

/** The program's answer to one option. Without option files: one with a fault in it must not hide which program this is. */
async function ask(program: string, option: '--version' | '--help', signal: AbortSignal): Promise<string> {
  const asking = promisify(execFile)(program, ['--no-defaults', option], {
    signal,
    timeout: 30_000,
    killSignal: 'SIGKILL',
    windowsHide: true,
  })
  const { child } = asking
  const gone = new Promise((resolve) => child.once('close', resolve))
  try {
    return (await asking).stdout
  } catch (error) {
    // An abort is reported before the program has ended.
    if (child.pid !== undefined) await gone
    if (signal.aborted) throw abortError(signal)
    throw new BackupError('E_DUMP', `The dump program ${program} does not run: ${words(error)}`, {
      advice: 'Run it by hand with --version, or name another in database.dumpCommand.',
      cause: error,
    })
  }
}

/** The long options in a help text, each at the beginning of its line: `  -H, --dump-history  Dump …`, `  --ssl-ca=name`. */
export function optionsIn(help: string): ReadonlySet<string> {
  return new Set(Array.from(help.matchAll(/^ +(?:-\S, +)?--([a-z][a-z0-9-]*)/gm), ([, name = '']) => name))
}

/**
 * Reads the line of `--version`. Known forms:
 *   mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)
 *   mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)
 *   mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
 *   mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)
 * Null when it is none of them.
 */
export function parseVersion(text: string): Omit<DumpClient, 'program' | 'options'> | null {
  const line = text.split('\n').find((candidate) => /(?:mysqldump|mariadb-dump)\S*\s+(?:Ver|from)\s/i.test(candidate))
  if (line === undefined) return null
  const numbers = /(?:Distrib|from)\s+(\d+)\.(\d+)\.(\d+)/.exec(line) ?? /Ver\s+(\d+)\.(\d+)\.(\d+)/.exec(line)
  if (numbers === null) return null
  const version = [Number(numbers[1]), Number(numbers[2]), Number(numbers[3])] as const
  const flavour = /mariadb/i.test(line) ? 'mariadb' : 'mysql'
  return { flavour, version, name: `${flavour === 'mariadb' ? 'mariadb-dump' : 'mysqldump'} ${version.join('.')}` }
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('killed' in error && error.killed === true) return 'it did not answer within 30 seconds'
  return ('stderr' in error && String(error.stderr).trim().slice(0, 500)) || error.message
}
