import { BackupError, type ErrorCode } from '../../../pipeline/contract/errors.ts'
import { serverAddress } from '../../database/fault.ts'
import { redact } from '../../text/redact.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import type { ClientEnd } from './client-run.ts'

/** Error numbers of the server and the client library (MySQL manual, "Error Message Reference"). */
export const UNKNOWN_DATABASE = 1049

interface Meaning {
  readonly numbers: readonly number[]
  readonly code: ErrorCode
  readonly advice: (server: DatabaseConfig, name: string | null) => string
}

const OTHER_ACCOUNT = 'or name another account in a configuration file of its own (--config)'

const meanings: readonly Meaning[] = [
  {
    numbers: [1045, 1130, 1251, 1524, 1698, 1820, 1862, 2054, 2059, 2061, 3118, 4151],
    code: 'E_AUTH',
    advice: ({ user }) =>
      `Check database.user and database.password, and that the account ${user} may sign in from this machine.`,
  },
  {
    numbers: [1044, 1142, 1143, 1227, 1370, 1410],
    code: 'E_AUTH',
    advice: ({ user }, name) =>
      `A backup's account may read only, and a restore writes. Give the account ${user} what it needs (GRANT ALL ON \`${name ?? ''}\`.*, and SUPER or SET USER for views, triggers and routines of other accounts), ${OTHER_ACCOUNT}.`,
  },
  {
    numbers: [1419],
    code: 'E_AUTH',
    advice: () => `Set log_bin_trust_function_creators=1 on the server for the time of the restore, ${OTHER_ACCOUNT}.`,
  },
  {
    numbers: [2002, 2003, 2005],
    code: 'E_DUMP',
    advice: ({ socket }) =>
      `Check that the database server is running and that ${socket === null ? 'database.host and database.port are its own' : 'database.socket is its own'}.`,
  },
  {
    numbers: [2006, 2013, 2055, 1053, 1317, 1927],
    code: 'E_DUMP',
    advice: () => "Check the server's error log for why it closed the connection, then restore again.",
  },
  {
    numbers: [1153],
    code: 'E_DUMP',
    advice: () => 'A row is larger than the server takes: raise its max_allowed_packet, then restore again.',
  },
  {
    numbers: [1021, 1114],
    code: 'E_DUMP',
    advice: () => "The server's disk is full: free space there, then restore again.",
  },
  {
    // collation, character set, engine, system variable
    numbers: [1273, 1115, 1286, 1193, 1231],
    code: 'E_DUMP',
    advice: () =>
      'This server does not know what the dump asks for: restore to one of the kind and version it came from.',
  },
  {
    // what they quote are names of tables, columns, files
    numbers: [
      1, 2, 3, 5, 6, 7, 13, 23, 1004, 1005, 1006, 1007, 1008, 1010, 1016, 1030, 1031, 1049, 1050, 1051, 1054, 1068,
      1069, 1071, 1072, 1091, 1100, 1103, 1118, 1136, 1146, 1213, 1215, 1217, 1304, 1305, 1356, 1359, 1360, 1418, 1435,
      1451, 1537, 1728, 1832, 1932, 2026, 3730, 4006, 4084, 4085, 4091, 4161,
    ],
    code: 'E_DUMP',
    advice: () => '',
  },
  {
    numbers: [1205],
    code: 'E_DUMP',
    advice: () => 'Tables are in use: stop the programs that work with the database, then restore again.',
  },
  {
    numbers: [1449],
    code: 'E_DUMP',
    advice: () =>
      'The account that is named is not on this server: create it there (CREATE USER), or restore to the server it came from.',
  },
]

/** What it means that the client failed at `what` ('The database x could not be created'), in its own words. */
export function clientFault(what: string, server: DatabaseConfig, name: string | null, end: ClientEnd): BackupError {
  const { number, words } = clientWords(end, server.password)
  const meaning = number === null ? undefined : meanings.find(({ numbers }) => numbers.includes(number))
  return new BackupError(meaning?.code ?? 'E_DUMP', `${what} (server ${serverAddress(server)}): ${words}`, {
    advice: meaning?.advice(server, name) ?? '',
  })
}

/** The number in `ERROR 1049 (42000) at line 1: Unknown database 'x'`; null when there is none. */
export function errorNumber({ stderr }: Pick<ClientEnd, 'stderr'>): number | null {
  const found = /^ERROR (\d{1,5})\b/m.exec(stderr)
  return found === null ? null : Number(found[1])
}

/**
 * The client's own words. Some quote what stands in the dump, which may be a patient's name: but for errors that are known
 * to quote none, they end where they begin to quote.
 */
function clientWords(end: ClientEnd, password: string): { readonly number: number | null; readonly words: string } {
  const number = errorNumber(end)
  const at = end.stderr.search(/^ERROR\b/m)
  const text = (at < 0 ? '' : end.stderr.slice(at)).trim()
  if (text === '') {
    const how =
      end.signal === null ? `ended with exit status ${end.status ?? 'unknown'}` : `was killed by ${end.signal}`
    return { number, words: `the client program ${how} without a message.` }
  }
  const open = redact(password === '' ? text : text.replaceAll(password, '[password]'))
  const quotesNone = number !== null && meanings.some(({ numbers }) => numbers.includes(number))
  const words = quotesNone ? open.split('\n', 1)[0] : `${beforeQuote(open)} …`
  return { number, words: words ?? '' }
}

/** An apostrophe within a word (`can't`, `table's`) begins no quotation. */
function beforeQuote(text: string): string {
  return (/^(?:[^'"`\n]|(?<=\p{L})'(?=\p{L}))*/u.exec(text)?.[0] ?? '').trim()
}
