/** The JSON results of the commands. Times are ISO 8601 with offset, sizes bytes. */

import type { ErrorCode } from '../../pipeline/contract/errors.ts'
import type { DicomCounts } from '../dicom/counts.ts'

export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
}

export interface Warning {
  /** 'files-skipped', 'source-empty', …; docs/errors.md has all. */
  readonly code: string
  readonly message: string
}

export interface DestinationResult {
  readonly name: string
  readonly type: string
  readonly status: 'completed' | 'failed' | 'interrupted'
  /** Bytes this process uploaded to it, repeats included. */
  readonly bytesSent: number
  readonly remoteId: string | null
  readonly remotePath: string | null
  readonly error: ErrorReport | null
}

export interface ArchiveResult {
  readonly name: string
  readonly bytes: number
  /** Files of the archive folder that are in it. */
  readonly files: number
  /** Null when no destination of the run proves itself by it. */
  readonly md5: string | null
  readonly contentHash: string | null
}

export interface RunResult {
  /** Null when there was nothing to do. */
  readonly runId: string | null
  /** `skipped`: there was nothing to do. */
  readonly status: 'completed' | 'partial' | 'failed' | 'interrupted' | 'skipped'
  /** Whether it resumed a run that was started in another process. */
  readonly resumed: boolean
  /** Why the run failed, was interrupted or skipped, in a sentence; absent otherwise. */
  readonly reason?: string
  /** When the next backup is due; null when the schedule is off, absent where it was not asked for (`--if-due`). */
  readonly nextDueAt?: string | null
  readonly startedAt: string
  readonly finishedAt: string
  /** Null when the archive was not made to its end. */
  readonly archive: ArchiveResult | null
  /** Of the files in the archive; null without an archive, and when an older version began it. */
  readonly dicom: DicomCounts | null
  /** `path` is the name the entry would have had in the archive. */
  readonly skippedFiles: readonly { readonly path: string; readonly reason: string }[]
  readonly warnings: readonly Warning[]
  readonly destinations: readonly DestinationResult[]
}

/** A run that has begun and is not done: stopped, killed, or not yet stored at every destination. */
export interface InterruptedRun {
  readonly runId: string
  /** Name of its archive. */
  readonly archive: string
  readonly startedAt: string
  /** Bytes of the archive made so far. */
  readonly archiveBytes: number
  /** Whether the archive was made to its end. */
  readonly whole: boolean
  readonly destinations: readonly {
    readonly name: string
    readonly status: 'completed' | 'interrupted' | 'failed'
    /** Bytes of the archive that it was known to hold. */
    readonly heldBytes: number
    readonly error: ErrorReport | null
  }[]
}

export interface SignInStatus {
  /** `lapsing`: it ends soon. `lapsed`: it has ended, or was refused at the last run. `none`: there never was one. */
  readonly state: 'ok' | 'lapsing' | 'lapsed' | 'none'
  /** Null when no end is known. */
  readonly lapsesAt: string | null
  /** What to do; empty when ok. */
  readonly advice: string
}

export interface AccountTest {
  readonly name: string
  readonly type: string
  readonly ok: boolean
  /** Who is signed in; null when nobody could be. */
  readonly account: string | null
  /** Null when the service names no limit. */
  readonly freeBytes: number | null
  readonly error: ErrorReport | null
}

export interface AccountsResult {
  readonly accounts: readonly (StatusResult['accounts'][number] & {
    readonly folder: string
    readonly signedInBy: string
  })[]
}

/** Something that is to be done about the backups. */
export interface StatusReason {
  /** 'overdue', 'copies-gone', …; docs/errors.md has all. */
  readonly code: string
  /** Null when it is about no single one. */
  readonly destination: string | null
  /** One line: what is wrong and what to do. */
  readonly message: string
}

/** What the last listing of a destination found. */
export interface CopiesAt {
  readonly destination: string
  readonly checkedAt: string
  /** Names of backups that were stored there and are gone or have another size. */
  readonly gone: readonly string[]
  /** Why it could not be listed; null when it was. */
  readonly error: ErrorReport | null
}

/** The run that goes on right now. What is not known, as it works elsewhere, is null or empty. */
export interface RunningRun {
  readonly since: string | null
  /** When it last read, made or stored anything. */
  readonly movedAt: string | null
  readonly runId: string | null
  readonly phase: 'preparing' | 'dumping' | 'archiving' | 'finishing' | null
  readonly files: number | null
  readonly filesDone: number
  readonly bytes: number | null
  readonly bytesDone: number
  readonly etaSeconds: number | null
  readonly destinations: readonly { readonly name: string; readonly held: number; readonly state: string }[]
}

export interface StatusResult {
  /** What is to be done; empty when nothing is. Exit 3 otherwise. */
  readonly reasons: readonly StatusReason[]
  readonly running: RunningRun | null
  /** Of each destination, what its last listing found (scheduled runs once a day, `status --check`). */
  readonly copies: readonly CopiesAt[]
  readonly schedule: {
    readonly enabled: boolean
    readonly every: string
    readonly lastRunAt: string | null
    readonly nextDueAt: string | null
  }
  /** Copies that were stored and verified, over all runs and destinations. */
  readonly backedUp: number
  readonly accounts: readonly {
    readonly name: string
    readonly type: string
    /** False for an account of the viewer's that is switched off: it gets no backup. */
    readonly active: boolean
    readonly lastBackupAt: string | null
    readonly lastStatus: DestinationResult['status'] | null
    readonly lastError: ErrorReport | null
    /** Null where none is needed. */
    readonly signIn: SignInStatus | null
  }[]
  readonly interruptedRun: InterruptedRun | null
  /** When a stored archive was last verified; null when none ever was. */
  readonly lastVerified: {
    readonly archive: string
    readonly at: string
    readonly ok: boolean
    readonly method: VerifyCheck['method']
  } | null
}

export interface SyntaxCount {
  /** Transfer syntax UID; null: not a DICOM file, or none named in its header. */
  readonly transferSyntax: string | null
  /** Its name for people ('Explicit VR Little Endian', 'JPEG 2000', 'not DICOM'). */
  readonly name: string
  readonly files: number
  readonly bytes: number
  readonly estimatedArchiveBytes: number
}

export interface ModalityCount {
  /** 'CT', 'MR', …; null when the header has none. */
  readonly modality: string | null
  readonly files: number
  readonly bytes: number
}

export interface DryRunResult {
  readonly status: 'planned'
  readonly files: number
  readonly bytes: number
  readonly estimatedArchiveBytes: number
  /** `estimatedBytes` is null when only the dump program can sign in. */
  readonly database: { readonly name: string; readonly estimatedBytes: number | null } | null
  readonly dicom: DicomCounts
  readonly byTransferSyntax: readonly SyntaxCount[]
  readonly byModality: readonly ModalityCount[]
  /** `fits` is null when the free space is not known. */
  readonly destinations: readonly {
    readonly name: string
    readonly freeBytes: number | null
    readonly fits: boolean | null
    readonly error: ErrorReport | null
  }[]
  readonly skippedFiles: readonly { readonly path: string; readonly reason: string }[]
  readonly warnings: readonly Warning[]
}

export interface PruneResult {
  readonly deleted: readonly { readonly destination: string; readonly name: string }[]
  readonly kept: readonly { readonly destination: string; readonly name: string; readonly reason: string }[]
  readonly destinations: readonly {
    readonly name: string
    /** Why nothing was deleted there although something is old enough; null when that is not so. */
    readonly refused: string | null
    /** What could not be asked or deleted. */
    readonly failures: readonly string[]
  }[]
  /** Why no destination was asked; absent when they were. */
  readonly reason?: string
}

export interface ArchivesResult {
  /** The one begun last first; those of `ahead` at the end. */
  readonly backups: readonly {
    readonly name: string
    readonly kind: 'full'
    /** The backup that this one stands on; null: it stands alone. */
    readonly base: null
    readonly startedAt: string
    /** Of one copy. */
    readonly bytes: number
    readonly destinations: readonly {
      readonly name: string
      /** When its bytes were last compared with what was sent; null when this machine's record does not know. */
      readonly verifiedAt: string | null
      /** What came of that; null likewise. */
      readonly ok: boolean | null
    }[]
    readonly pinned: boolean
  }[]
  /** Names of those that were begun in the future, by a wrong clock. */
  readonly ahead: readonly string[]
  /** Destinations that could not be asked. */
  readonly unreachable: readonly { readonly name: string; readonly error: ErrorReport }[]
}

export interface DoctorResult {
  readonly ok: boolean
  readonly checks: readonly DoctorCheck[]
}

export interface DoctorCheck {
  readonly name: string
  readonly ok: boolean
  /** `warning`: ok, but something should be changed or could not be examined. `failed`: not ok. */
  readonly level: 'ok' | 'warning' | 'failed'
  /** What was found. */
  readonly detail: string
  /** What to do; empty when there is nothing to do. */
  readonly remedy: string
}

export interface VerifyResult {
  readonly archive: string
  /** Every check was made and found the archive well. */
  readonly ok: boolean
  readonly checks: readonly VerifyCheck[]
}

export interface VerifyCheck {
  readonly destination: string
  /** Whether it was proved that the archive there is well. */
  readonly ok: boolean
  /** False when that could be neither proved nor disproved; `ok` is false then. */
  readonly checked: boolean
  /**
   * `provider-hash`: by the service's own hash; `read-back`: the file was read and hashed here; `deep`: every entry was
   * read; `restore-test`: the dump was loaded into a database.
   */
  readonly method: 'provider-hash' | 'read-back' | 'deep' | 'restore-test'
  /** What was compared and what was found. Names no file of the archive folder. */
  readonly detail: string
  /** What the dump lacks, what this server lacks for it, other objects of the same name; absent when there is nothing. */
  readonly warnings?: readonly Warning[]
  /** The entries that are not as they should be, or the first of them; absent when there are none. */
  readonly damaged?: readonly DamagedPath[]
}

/** Of an archive's content; it may hold a patient's name or id, so it belongs into results only. */
export interface DamagedPath {
  /** The entry's name in the archive. */
  readonly path: string
  readonly reason: string
}

export interface RestoreResult {
  readonly archive: string
  /** The destination it was read from; when one copy was damaged and another mended it, that one. */
  readonly from: string
  /** Files that were written, the dump and the manifest among them. */
  readonly files: number
  /** Their size. */
  readonly bytes: number
  /** Files that were right already. */
  readonly skipped: number
  /** Null when no database was restored. */
  readonly database: RestoredDatabase | null
  /** What is to be known of what was restored; docs/errors.md has all. */
  readonly warnings: readonly Warning[]
  /** Files that the backup had left out, and so are not in the archive; absent when there are none. */
  readonly leftOut?: number
  /** How many files could not be restored, and the first of them; absent when there are none. */
  readonly damagedFiles?: number
  readonly damaged?: readonly DamagedPath[]
  /** Files that could not have their own name here, the first of them; absent when there are none. */
  readonly renamed?: readonly { readonly path: string; readonly to: string; readonly reason: string }[]
  /** What was asked for and is not in the archive; absent when all was. */
  readonly notFound?: {
    readonly patients: readonly string[]
    readonly studies: readonly string[]
    readonly series: readonly string[]
  }
}

export interface RestoredDatabase {
  readonly name: string
  readonly tables: number
  /** What the manifest says; null when the archive does not tell. */
  readonly expectedTables: number | null
  /** In all tables. */
  readonly rows: number
  readonly rowsByTable: Readonly<Record<string, number>>
  /** Views, triggers, routines and events that named the source database and name this one now; absent when there are none. */
  readonly renamed?: readonly string[]
}
