/** The configuration after loading: defaults filled in, `${NAME}` replaced, every path absolute. */
import type { ErrorCode } from '../../pipeline/errors.ts'

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

interface DestinationBase {
  readonly name: string
  /** Bytes a request carries; null: what suits the service. */
  readonly chunkSize: number | null
  /** Why this destination cannot be used; no other is affected. */
  readonly fault?: DestinationFault
}

export interface DestinationFault {
  readonly code: ErrorCode
  readonly message: string
  readonly advice: string
}

export interface LocalConfig extends DestinationBase {
  readonly type: 'local'
  readonly folder: string
  /** Access rights of the archives' files, as in chmod; 0o600 unless given. Without effect on Windows. */
  readonly mode?: number
}

export interface DropboxConfig extends DestinationBase {
  readonly type: 'dropbox'
  /** '/DICOM_Backups'; '' is the root. Starts with '/', does not end with one. */
  readonly folder: string
  readonly accessToken: string | null
  readonly refreshToken: string | null
  readonly appKey: string | null
  readonly appSecret: string | null
}

export interface GoogleDriveConfig extends DestinationBase {
  readonly type: 'google-drive'
  /**
   * Names with '/' between them below My Drive, or 'id:FOLDER_ID' with names below it, for a shared folder or drive.
   */
  readonly folder: string
  readonly oauth: {
    readonly clientId: string
    readonly clientSecret: string
    /** Null: it is to be connected. */
    readonly refreshToken: string | null
  } | null
  /** Path of a service account's key file. */
  readonly credentialsFile: string | null
  /** A service account's key itself; only of accounts in the viewer's tables. */
  readonly serviceAccount?: { readonly clientEmail: string; readonly privateKey: string }
}

/** An account in the viewer's tables of a service that is not known here; it always has a `fault`. */
export interface UnknownConfig extends DestinationBase {
  readonly type: 'unknown'
  readonly folder: string
}

export type DestinationConfig = LocalConfig | DropboxConfig | GoogleDriveConfig | UnknownConfig

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
  /** Origins that stand in for the services; null: the real ones. */
  readonly endpoints: { readonly dropbox: string | null; readonly googleDrive: string | null }
  /** Every secret value that was read, for the log's redaction. */
  readonly secrets: readonly string[]
}
