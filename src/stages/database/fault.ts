import { BackupError, type ErrorCode } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'

/** A failure as the database's server, its client library or the network names it. */
export interface DatabaseFailure {
  /** What was being done: 'The dump of database viewer failed'. */
  readonly what: string
  /** The other side's own words, without anything secret in them. */
  readonly words: string
  /**
   * Error number of the server or the client library (MySQL manual, "Error Message Reference"); null when there is
   * none.
   */
  readonly number: number | null
  readonly cause?: unknown
}

interface Meaning {
  readonly numbers: readonly number[]
  readonly code: ErrorCode
  readonly advice: (database: DatabaseConfig) => string
}

const meanings: readonly Meaning[] = [
  {
    // access denied, host not allowed, unix_socket refused, password expired, account locked
    numbers: [1045, 1130, 1698, 1820, 1862, 3118, 4151],
    code: 'E_AUTH',
    advice: ({ user }) =>
      `Check database.user and database.password, and that the account ${user} may sign in from this machine.`,
  },
  {
    // an unknown method of authentication, at the server or in the client
    numbers: [1251, 1524, 2054, 2059, 2061],
    code: 'E_AUTH',
    advice: ({ user }) =>
      `Give the account ${user} a method of authentication that the dump program knows, or use the dump program that came with the server.`,
  },
  {
    // to the database, a table, a column, a routine, or for want of a global privilege
    numbers: [1044, 1142, 1143, 1227, 1370],
    code: 'E_AUTH',
    advice: ({ name, user }) =>
      `Give the account ${user} what a dump needs: GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON \`${name}\`.* (\`dicom-backup doctor\` names what is missing).`,
  },
  {
    numbers: [2002, 2003, 2005],
    code: 'E_DUMP',
    advice: ({ socket }) =>
      `Check that the database server is running and that ${socket === null ? 'database.host and database.port are its own' : 'database.socket is its own'}.`,
  },
  {
    numbers: [1049],
    code: 'E_DUMP',
    advice: () => 'Check database.name.',
  },
  {
    numbers: [1040, 1203, 1226],
    code: 'E_DUMP',
    advice: () => 'The server has no connection to spare: try again later, or raise its limit.',
  },
  {
    // connection lost, killed, server going down
    numbers: [2006, 2013, 2055, 1053, 1317, 1927],
    code: 'E_DUMP',
    advice: () => "Check the server's error log for why it closed the connection, then run the backup again.",
  },
  {
    numbers: [1412],
    code: 'E_DUMP',
    advice: () => 'A table was altered while it was dumped: run the backup again when that is done.',
  },
  {
    numbers: [1146, 1356, 1449],
    code: 'E_DUMP',
    advice: () => 'Repair or drop the view or table that is named: it can be neither read nor dumped.',
  },
  {
    // crashed tables, index files and tablespaces
    numbers: [126, 127, 134, 144, 145, 1034, 1035, 1194, 1195, 1877, 1932],
    code: 'E_DUMP',
    advice: () => 'The table that is named is damaged: run CHECK TABLE and REPAIR TABLE on it.',
  },
  {
    numbers: [2026],
    code: 'E_DUMP',
    advice: () =>
      "Client and server do not agree on TLS: name the authority of the server's certificate in database.tls.ca, or put skip-ssl under [client] in the machine's my.cnf when the server has no TLS.",
  },
]

/** Where the server is, for people. */
export function serverAddress({ host, port, socket }: DatabaseConfig): string {
  return socket ?? `${host}:${port}`
}

/** E_AUTH when the sign-in or a privilege was refused, else E_DUMP. */
export class DatabaseError extends BackupError {
  /** As in DatabaseFailure. */
  readonly number: number | null

  constructor(database: DatabaseConfig, { what, words, number, cause }: DatabaseFailure) {
    const meaning = number === null ? undefined : meanings.find(({ numbers }) => numbers.includes(number))
    super(meaning?.code ?? 'E_DUMP', `${what}: ${words}`, { advice: meaning?.advice(database) ?? '', cause })
    this.number = number
  }
}

/** The error of a failure. */
export function databaseFault(database: DatabaseConfig, failure: DatabaseFailure): DatabaseError {
  return new DatabaseError(database, failure)
}
