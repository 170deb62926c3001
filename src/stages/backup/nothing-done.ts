import { isoLocal } from '../contract/time.ts'
import type { RunResult } from '../contract/results.ts'

/** The result of a run that was not begun, as there is nothing to do. */
export function nothingDone(reason: string, nextDueAt?: string | null): RunResult {
  const now = isoLocal(new Date())
  return {
    runId: null,
    status: 'skipped',
    resumed: false,
    reason,
    ...(nextDueAt === undefined ? {} : { nextDueAt }),
    startedAt: now,
    finishedAt: now,
    archive: null,
    dicom: null,
    skippedFiles: [],
    warnings: [],
    destinations: [],
  }
}
