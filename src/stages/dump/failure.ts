import type { BackupError } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { databaseFault } from '../database/fault.ts'
import type { ChildEnd } from './child.ts'

const MOST_WORDS = 1000
/** What dump programs say on stderr though nothing is wrong. */
const HARMLESS = /using a password on the command line|deprecated program name|\[warning\]|^warning:|forcing protocol/i

/** What it means that the dump program failed, with its own words in the message and no secret. */
export function dumpFailure(database: DatabaseConfig, program: string, end: ChildEnd): BackupError {
  const words = programWords(end.stderr, database.password)
  const ending =
    end.signal === null ? `ended with exit status ${end.status ?? 'unknown'}` : `was killed by ${end.signal}`
  return databaseFault(database, {
    what: `The dump of database ${database.name} failed`,
    words: words === '' ? `${program} ${ending} and said nothing.` : words,
    number: errorNumber(words),
  })
}

/** The lines of stderr that tell of something, without the program's name before each. */
function programWords(stderr: string, password: string): string {
  const lines = stderr
    .split(/\r?\n/)
    .map((line) => line.replace(/^(?:\S*[/\\])?(?:mysqldump|mariadb-dump)(?:\.exe)?: /i, '').trim())
    .filter((line) => line !== '' && !HARMLESS.test(line))
  const words = lines.join(' ')
  const open = password === '' ? words : words.replaceAll(password, '[password]')
  return open.length > MOST_WORDS ? `…${open.slice(-MOST_WORDS)}` : open
}

/** Known forms: `Got error: 1045: "…"`, `Error 2013: …`, `Couldn't execute '…': … (1146)`. */
function errorNumber(words: string): number | null {
  const found = /\b(?:Got error: |Error:? )(\d{1,5})\b/.exec(words) ?? /^.*\((\d{1,5})\)/.exec(words)
  return found === null ? null : Number(found[1])
}
