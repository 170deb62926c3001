/** What the resume policy asks of a run, from its journal and the configuration. */
import type { BackupError } from '../../pipeline/contract/errors.ts'
import { NewerFormatError } from '../../pipeline/files/format-version.ts'
import { isDamage } from '../../pipeline/files/state-file.ts'
import type { Config } from '../config/types.ts'
import type { DestinationResult, RunResult } from '../contract/results.ts'
import type { ExecutedRun, FoundFolder, FoundRun } from './resume-policy.ts'
import type { OpenRun } from './run-folder.ts'

type Run = Pick<OpenRun, 'record' | 'start'>

export function unreadable(error: BackupError): FoundFolder['files'] {
  if (error instanceof NewerFormatError) return 'newer'
  return isDamage(error) ? 'damaged' : 'unusable'
}

export function foundRun(
  { start, record }: Run,
  { dicom, database, destinations }: Config,
  known: Pick<FoundRun, 'mode' | 'isForgotten' | 'idleMs'>,
): FoundRun {
  return {
    ...known,
    isSameRoot: start.root === dicom.root,
    isSameDatabase: start.database === (database?.name ?? null),
    hasDestination: start.destinations.some((name) => destinations.some((one) => one.name === name)),
    hasBytes: hasBytes(record),
  }
}

export function executedRun(
  { start, record }: Run,
  { destinations }: Config,
  { failure, isUnrecorded }: { readonly failure: BackupError | null; readonly isUnrecorded: boolean },
): ExecutedRun {
  const isMissed = start.destinations.some(
    (name) => isMissing(name, record) && destinations.some((one) => one.name === name),
  )
  return { failure: kindOf(failure), hasBytes: hasBytes(record), isMissed, isUnrecorded }
}

/** The destinations that are missing the run's archive, as they are after this attempt. */
export function missingIn(result: RunResult, { record }: Run): DestinationResult[] {
  return result.destinations.filter(({ name }) => isMissing(name, record))
}

export const wasStored = ({ record }: Run): boolean =>
  [...record.state.uploads.values()].some(({ stored }) => stored !== null)

const hasBytes = ({ state }: OpenRun['record']): boolean => state.made.parts > 0

/** It does not have the archive, and can still get it. */
function isMissing(name: string, { state }: OpenRun['record']): boolean {
  const { stored, hopeless } = state.upload(name)
  return stored === null && !hopeless
}

const FINAL = ['E_DUMP', 'E_CONFIG', 'E_STATE', 'E_INTERNAL']

function kindOf(failure: BackupError | null): ExecutedRun['failure'] {
  if (failure === null) return 'none'
  if (failure instanceof NewerFormatError) return 'newer'
  if (FINAL.includes(failure.code)) return 'final'
  return failure.code === 'E_ABORTED' ? 'stopped' : 'other'
}
