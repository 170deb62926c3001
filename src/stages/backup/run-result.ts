import { report } from '../contract/report.ts'
import type { Delivery } from '../../pipeline/deliver.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import type { DestinationConfig } from '../config/types.ts'
import type { DicomCounts } from '../dicom/counts.ts'
import { isoLocal } from '../contract/time.ts'
import type { LeftOutList } from './left-out-list.ts'
import type { DestinationResult, RunResult, Warning } from '../contract/results.ts'
import type { RunStart } from './run-facts.ts'

/** All that is known when a run has ended. */
export interface Attempt {
  readonly start: RunStart
  /** Whether it was begun by an earlier process. */
  readonly resumed: boolean
  /** Files of the archive folder that are in the archive. */
  readonly files: number
  /** Of those; null: not known. */
  readonly dicom: DicomCounts | null
  readonly destinations: readonly DestinationConfig[]
  readonly progress: Progress
  /** Null when the run ended before its delivery began. */
  readonly delivery: Delivery | null
  /** Why the whole run failed; null when it did not. */
  readonly failure: BackupError | null
  readonly interrupted: boolean
  readonly leftOut: LeftOutList
  /** About the sources: what the dump may lack, what shrank. */
  readonly warnings: readonly Warning[]
}

/** What a run comes to. `partial` whenever something is stored and a person should look at it. */
export function runResult(attempt: Attempt, finishedAt: Date): RunResult {
  const { delivery, failure, interrupted, leftOut } = attempt
  const destinations = attempt.destinations.map((config, index) => destinationResult(attempt, config, index))
  const stored = destinations.filter((one) => one.status === 'completed').length
  const whole = delivery?.whole ?? null
  const warnings = [...attempt.warnings, ...leftOutWarnings(leftOut, whole !== null)]

  let status: RunResult['status'] = 'completed'
  if (interrupted && failure !== null) status = 'interrupted'
  else if (stored === 0) status = 'failed'
  else if (stored < destinations.length || warnings.length > 0) status = 'partial'

  const reason = reasonOf(status, failure, destinations)
  return {
    runId: attempt.start.runId,
    status,
    resumed: attempt.resumed,
    ...(reason === null ? {} : { reason }),
    startedAt: isoLocal(new Date(attempt.start.startedAt)),
    finishedAt: isoLocal(finishedAt),
    archive:
      whole === null
        ? null
        : {
            name: attempt.start.name,
            bytes: whole.bytes,
            files: attempt.files,
            md5: whole.digests.md5 ?? null,
            contentHash: whole.digests.contentHash ?? null,
          },
    dicom: whole === null ? null : attempt.dicom,
    skippedFiles: leftOut.named,
    warnings,
    destinations,
  }
}

function destinationResult(attempt: Attempt, config: DestinationConfig, index: number): DestinationResult {
  const outcome = attempt.delivery?.outcomes[index]
  const common = { name: config.name, type: config.type, bytesSent: attempt.progress.destinations[index]?.sent ?? 0 }
  const stored = outcome?.stored ?? null
  if (stored !== null) {
    return { ...common, status: 'completed', remoteId: stored.id, remotePath: stored.path, error: null }
  }
  const error = outcome?.error ?? attempt.failure
  const isStop = error === null || error.code === 'E_ABORTED' || error.code === 'E_LOCKED'
  const stopped = attempt.interrupted && attempt.failure !== null && isStop
  const status = stopped ? 'interrupted' : 'failed'
  return { ...common, status, remoteId: null, remotePath: null, error: error === null ? null : report(error) }
}

function reasonOf(
  status: RunResult['status'],
  failure: BackupError | null,
  destinations: readonly DestinationResult[],
): string | null {
  if (status === 'completed' || status === 'partial') return null
  if (failure !== null) return report(failure).message
  const errors = destinations.map((one) => one.error?.message ?? '').filter((message) => message !== '')
  return `No destination could store the backup. ${[...new Set(errors)].join(' ')}`.trim()
}

function leftOutWarnings(leftOut: LeftOutList, made: boolean): Warning[] {
  if (leftOut.count === 0) return []
  const files = leftOut.count === 1 ? '1 file was' : `${leftOut.count} files were`
  const where = made ? "; the archive's manifest names each with its reason" : ''
  const warnings = [{ code: 'files-skipped', message: `${files} left out${where}.` }]
  if (leftOut.count > leftOut.named.length) {
    const message = `skippedFiles names the first ${leftOut.named.length} of ${leftOut.count} files that were left out.`
    warnings.push({ code: 'skipped-files-cut', message })
  }
  return warnings
}

/** Names of files may tell of patients, so they are only counted. */
export function keptApartWarnings(count: number): Warning[] {
  if (count === 0) return []
  const files = count === 1 ? '1 file has' : `${count} files have`
  const message = `${files} another name in the archive than on the disk: %25 stands for a percent sign. Without it the name would be that of a neighbour with a byte that is not UTF-8. Rename one of the two on the disk.`
  return [{ code: 'names-escaped', message }]
}
