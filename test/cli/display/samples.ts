import type { DoctorResult, DryRunResult, RunResult } from '../../../src/stages/contract/results.ts'
import { newProgress, type DestinationProgress, type Progress } from '../../../src/pipeline/contract/progress.ts'
import type { Status } from '../../../src/stages/status/status.ts'
import type { Style } from '../../../src/cli/display/style.ts'

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
export const TIB = 1024 * GIB

export const bare = (columns: number): Style => ({ columns, color: false, unicode: true })
export const colored = (columns: number): Style => ({ columns, color: true, unicode: true })
export const ascii = (columns: number): Style => ({ columns, color: false, unicode: false })

type Counters = Partial<Omit<Progress, 'destinations'>>
type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Progress that a test moves on itself, where in a run the reporter does. */
export type DestinationSample = Writable<DestinationProgress>
export type ProgressSample = Omit<Writable<Progress>, 'destinations'> & { readonly destinations: DestinationSample[] }

/** Progress with the given counters and destinations. */
export function progressOf(destinations: readonly DestinationProgress[], counters: Counters = {}): ProgressSample {
  const progress = newProgress(destinations.map(({ name }) => name))
  return { ...progress, ...counters, destinations: destinations.map((one) => ({ ...one })) }
}

/** A run in the middle of its files: one destination keeps up, one is throttled, one is a folder. */
export function middle(): ProgressSample {
  return progressOf(
    [
      { name: 'hospital-dropbox', state: 'sending', held: 588 * GIB, sent: 588 * GIB },
      { name: 'hospital-drive', state: 'retrying', held: 571 * GIB, sent: 575 * GIB },
      { name: 'nas', state: 'sending', held: 590 * GIB, sent: 590 * GIB },
    ],
    {
      phase: 'archiving',
      filesTotal: 1_003_211,
      bytesTotal: 2.88 * TIB,
      filesDone: 412_803,
      bytesDone: 1.21 * TIB,
      filesSkipped: 3,
      dumpBytes: 1.2 * GIB,
      archiveBytes: 590 * GIB,
    },
  )
}

const ARCHIVE = 'dicom_backup_2026-03-04_12-00-00.zip'

export function completed(): RunResult {
  return {
    runId: 'r1',
    status: 'completed',
    resumed: false,
    startedAt: '2026-03-04T12:00:00+00:00',
    finishedAt: '2026-03-04T17:12:04+00:00',
    archive: { name: ARCHIVE, bytes: 590 * GIB, files: 1_003_211, md5: 'a'.repeat(32), contentHash: 'b'.repeat(64) },
    dicom: { files: 1_003_000, withoutStudy: 0 },
    skippedFiles: [],
    warnings: [],
    destinations: [
      {
        name: 'hospital-dropbox',
        type: 'dropbox',
        status: 'completed',
        bytesSent: 590 * GIB,
        remoteId: 'id:1',
        remotePath: `/DICOM_Backups/${ARCHIVE}`,
        error: null,
      },
      {
        name: 'hospital-drive',
        type: 'google-drive',
        status: 'completed',
        bytesSent: 590 * GIB,
        remoteId: '1x',
        remotePath: `DICOM_Backups/${ARCHIVE}`,
        error: null,
      },
      {
        name: 'nas',
        type: 'local',
        status: 'completed',
        bytesSent: 590 * GIB,
        remoteId: `/mnt/nas/backups/${ARCHIVE}`,
        remotePath: `/mnt/nas/backups/${ARCHIVE}`,
        error: null,
      },
    ],
  }
}

/** Drive is full, three files were left out, the source looks small. */
export function partial(): RunResult {
  const run = completed()
  return {
    ...run,
    status: 'partial',
    resumed: true,
    skippedFiles: [
      { path: 'dicom_files/MUELLER_4711/1.dcm', reason: 'permission denied' },
      { path: 'dicom_files/MUELLER_4711/2.dcm', reason: 'changed while it was read' },
      { path: 'dicom_files/MUELLER_4711/3.dcm', reason: 'permission denied' },
    ],
    warnings: [
      { code: 'source-shrunk', message: 'The archive folder holds 41 % fewer files than at the last good backup.' },
    ],
    destinations: run.destinations.map((one) =>
      one.name === 'hospital-drive'
        ? {
            ...one,
            status: 'failed',
            bytesSent: 12 * GIB,
            remoteId: null,
            remotePath: null,
            error: { code: 'E_QUOTA', message: 'The account hospital-drive is full.' },
          }
        : { ...one, bytesSent: 40 * MIB },
    ),
  }
}

export function failed(): RunResult {
  const run = completed()
  return {
    ...run,
    status: 'failed',
    reason: 'The database dump failed: mysqldump: Got error: 1045: Access denied for user backup',
    archive: null,
    dicom: null,
    destinations: run.destinations.map((one) => ({
      ...one,
      status: 'failed',
      bytesSent: 0,
      remoteId: null,
      remotePath: null,
      error: { code: 'E_ABORTED', message: 'The run was stopped.' },
    })),
  }
}

export function interrupted(): RunResult {
  const run = completed()
  return {
    ...run,
    status: 'interrupted',
    reason: 'Stopped by SIGINT.',
    archive: null,
    dicom: null,
    destinations: run.destinations.map((one) => ({
      ...one,
      status: 'interrupted',
      bytesSent: 100 * GIB,
      remoteId: null,
      remotePath: null,
    })),
  }
}

export function planned(): DryRunResult {
  return {
    status: 'planned',
    files: 1_003_211,
    bytes: 2.88 * TIB,
    estimatedArchiveBytes: 1.43 * TIB,
    database: { name: 'dicom_viewer', estimatedBytes: 1.2 * GIB },
    dicom: { files: 1_003_000, withoutStudy: 0 },
    byTransferSyntax: [
      {
        transferSyntax: '1.2.840.10008.1.2.1',
        name: 'Explicit VR Little Endian',
        files: 800_000,
        bytes: 2.7 * TIB,
        estimatedArchiveBytes: 1.26 * TIB,
      },
      {
        transferSyntax: '1.2.840.10008.1.2.4.70',
        name: 'JPEG Lossless, Non-Hierarchical, First-Order Prediction',
        files: 203_000,
        bytes: 180 * GIB,
        estimatedArchiveBytes: 170 * GIB,
      },
      { transferSyntax: null, name: 'not DICOM', files: 211, bytes: 5 * MIB, estimatedArchiveBytes: 4 * MIB },
    ],
    byModality: [
      { modality: 'CT', files: 900_000, bytes: 2.6 * TIB },
      { modality: 'MR', files: 103_000, bytes: 280 * GIB },
      { modality: null, files: 211, bytes: 5 * MIB },
    ],
    destinations: [
      { name: 'hospital-dropbox', freeBytes: 2.5 * TIB, fits: true, error: null },
      { name: 'hospital-drive', freeBytes: 12 * GIB, fits: false, error: null },
      { name: 'nas', freeBytes: null, fits: null, error: null },
      {
        name: 'old-drive',
        freeBytes: null,
        fits: null,
        error: { code: 'E_AUTH', message: 'The account old-drive refuses the sign-in.' },
      },
    ],
    skippedFiles: [{ path: 'dicom_files/MUELLER_4711/link', reason: 'a symbolic link' }],
    warnings: [],
  }
}

export function examined(): DoctorResult {
  return {
    ok: false,
    checks: [
      { name: 'Configuration', ok: true, level: 'ok', detail: 'dicom-backup.yaml', remedy: '' },
      { name: 'Database', ok: true, level: 'ok', detail: 'signed in to dicom_viewer at 127.0.0.1:3306', remedy: '' },
      {
        name: 'hospital-drive',
        ok: false,
        level: 'failed',
        detail: 'the sign-in has lapsed',
        remedy: 'Sign in again: "dicom-backup accounts connect hospital-drive".',
      },
      { name: 'Archive folder', ok: true, level: 'ok', detail: '/var/www/viewer/dicom_files can be read', remedy: '' },
    ],
  }
}

/** All is well: two destinations, both stored at the last run. */
export function upToDate(): Status {
  const startedAt = '2026-03-04T12:00:00+00:00'
  const well = {
    active: true,
    lastBackupAt: startedAt,
    lastStatus: 'completed',
    lastError: null,
    signIn: null,
  } as const
  return {
    result: {
      schedule: { enabled: true, every: '6h', lastRunAt: startedAt, nextDueAt: '2026-03-04T18:00:00+00:00' },
      backedUp: 1234,
      accounts: [
        { name: 'hospital-dropbox', type: 'dropbox', ...well },
        { name: 'hospital-drive', type: 'google-drive', ...well },
      ],
      interruptedRun: null,
      lastVerified: null,
      running: null,
      copies: [],
      reasons: [],
    },
    overdue: false,
    newestBackupAt: startedAt,
  }
}

/** A run was killed in its middle; Drive had been full the time before, a folder is new. */
export function stopped(): Status {
  const { result, ...rest } = upToDate()
  const [dropbox, drive] = result.accounts
  return {
    ...rest,
    result: {
      ...result,
      reasons: [
        {
          code: 'destination-failed',
          destination: 'hospital-drive',
          message: 'hospital-drive: the last run failed here: The account is full. Make room there. (E_QUOTA)',
        },
        {
          code: 'never-backed-up',
          destination: 'nas',
          message: 'nas: no backup here yet. Run "dicom-backup run" to make one now.',
        },
        { code: 'run-interrupted', destination: null, message: 'The run of 2026-03-04 14:30 was interrupted.' },
      ],
      schedule: { ...result.schedule, lastRunAt: '2026-03-04T14:30:00+00:00' },
      accounts: [
        dropbox!,
        {
          ...drive!,
          lastBackupAt: '2026-03-03T18:00:00+00:00',
          lastStatus: 'failed',
          lastError: { code: 'E_QUOTA', message: 'hospital-drive: The account is full. Make room there.' },
        },
        {
          name: 'nas',
          type: 'local',
          active: true,
          lastBackupAt: null,
          lastStatus: null,
          lastError: null,
          signIn: null,
        },
      ],
      interruptedRun: {
        runId: 'r2',
        archive: 'dicom_backup_2026-03-04_14-30-00.zip',
        startedAt: '2026-03-04T14:30:00+00:00',
        archiveBytes: 590 * GIB,
        whole: false,
        destinations: [
          { name: 'hospital-dropbox', status: 'interrupted', heldBytes: 588 * GIB, error: null },
          {
            name: 'hospital-drive',
            status: 'failed',
            heldBytes: 0,
            error: { code: 'E_QUOTA', message: 'hospital-drive: The account is full. Make room there.' },
          },
          { name: 'nas', status: 'interrupted', heldBytes: 590 * GIB, error: null },
        ],
      },
    },
  }
}

/** Expected text that begins on the line after its opening quote. */
export const text = (expected: string): string => expected.slice(1)
