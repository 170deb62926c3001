/** The configuration after loading: defaults filled in, `${NAME}` replaced, every path absolute. */
import type { DestinationConfig } from '../destinations/config.ts'
import type { Endpoints } from '../destinations/open.ts'

export type { DestinationConfig, DestinationFault } from '../destinations/config.ts'

export interface DatabaseConfig {
  readonly host: string
  readonly port: number
  /** Path of a Unix socket (or a Windows pipe's name), null for TCP. */
  readonly socket: string | null
  readonly user: string
  readonly password: string
  readonly name: string
  /** Command or path of the dump program; null: look for mysqldump, then mariadb-dump. */
  readonly dumpCommand: string | null
  /** Absent: nothing is asked for, and an account that needs TLS gets it without a check of the server. */
  readonly tls?: DatabaseTls
}

/** Encryption of every connection to the database. Paths are absolute. */
export interface DatabaseTls {
  /** PEM file of the authorities of which one must have signed the server's certificate; null: any certificate will do. */
  readonly ca: string | null
  /** PEM files of the client's own certificate and its key: both or neither. */
  readonly cert: string | null
  readonly key: string | null
  /** Whether a server without TLS is refused. */
  readonly required: boolean
}

export type Compression = 'auto' | 'store' | 'fast' | 'small'

export interface Config {
  /** The file it came from. */
  readonly file: string
  /** Null: back up files only. */
  readonly database: DatabaseConfig | null
  readonly dicom: { readonly root: string; readonly include: readonly string[]; readonly exclude: readonly string[] }
  readonly archive: { readonly prefix: string; readonly compression: Compression }
  readonly state: { readonly driver: 'sqlite' | 'mysql'; readonly dir: string }
  readonly log: {
    readonly file: string
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
    /** Bytes at which the file gives its place to a new one. */
    readonly maxSize: number
    /** How many earlier files are kept. */
    readonly keep: number
  }
  readonly destinations: readonly DestinationConfig[]
  readonly schedule: {
    readonly enabled: boolean
    readonly every: '1h' | '3h' | '6h' | '12h' | '24h'
    /** Whether runs of the schedule look at an earlier archive again. */
    readonly verify: 'never' | 'weekly'
  }
  readonly retention: { readonly days: number; readonly keepAtLeast: number } | null
  readonly endpoints: Endpoints
  /** Every secret value that was read, for the log's redaction. */
  readonly secrets: readonly string[]
}
