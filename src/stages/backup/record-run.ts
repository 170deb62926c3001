/** A run's row in the record of runs, and what its sources have lost since the last good one. */
import type { ObjectDigests } from '../../pipeline/contract/digests.ts'
import { asBackupError } from '../../pipeline/contract/errors.ts'
import type { RunRecord, SourceMeasure } from '../contract/history.ts'
import { report } from '../contract/report.ts'
import type { RunResult, Warning } from '../contract/results.ts'
import type { State } from '../state/state.ts'
import type { RunStart } from './run-facts.ts'
import { sanityWarnings } from './sanity.ts'

export interface Recordable {
  readonly start: RunStart
  /** Of the archive; null: it is not complete. */
  readonly digests: ObjectDigests | null
  /** Null: not known. */
  readonly measure: SourceMeasure | null
  /** Whether later runs are to be compared with this one. */
  readonly sane: boolean
}

export function runRecord(result: RunResult, { start, digests, measure, sane }: Recordable): RunRecord {
  const { startedAt, finishedAt, archive, warnings, destinations } = result
  return {
    runId: start.runId,
    trigger: start.trigger ?? 'manual',
    status: result.status === 'skipped' ? 'failed' : result.status,
    startedAt,
    finishedAt,
    plannedName: start.name,
    archive: archive?.name ?? null,
    bytes: archive?.bytes ?? null,
    digests,
    source: measure,
    sane,
    warnings,
    destinations,
  }
}

/** Warnings of what has shrunk since the last good run, or that the state cannot say. Never rejects. */
export async function shrunkWarnings(measure: SourceMeasure, state: State): Promise<Warning[]> {
  try {
    return sanityWarnings(measure, await state.lastGood())
  } catch (error) {
    return [notRecorded(error)]
  }
}

export function notRecorded(error: unknown): Warning {
  const { message } = report(asBackupError(error))
  return { code: 'state-unusable', message: `The run could not be compared with earlier ones or recorded. ${message}` }
}
