/** Carries one run as far as it goes today: sources, archive, delivery, record. */
import { counted } from '../../pipeline/counted.ts'
import { deliver, type Delivery, type Outcome } from '../../pipeline/deliver.ts'
import type { Destination } from '../../pipeline/destination.ts'
import type { DigestName, ObjectDigests } from '../../pipeline/digests.ts'
import { asBackupError, BackupError } from '../../pipeline/errors.ts'
import { ProgressReporter, type DestinationReporter } from '../../pipeline/progress.ts'
import { withRetry } from '../../pipeline/retry.ts'
import type { Mark } from '../../pipeline/source.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { traitsOf } from '../destinations/kinds.ts'
import { openDestination } from '../destinations/open.ts'
import type { RunRecord, SourceMeasure } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import { ArchiveSource } from '../zip/archive-source.ts'
import { ledgerFiles } from '../zip/ledger.ts'
import { placeOf } from '../zip/place.ts'
import { LeftOutList } from './left-out-list.ts'
import { manifestOf } from './manifest-head.ts'
import type { RunResult, Warning } from '../contract/results.ts'
import { factOf, type RunStart } from './run-facts.ts'
import type { OpenRun } from './run-folder.ts'
import type { RunLog } from '../contract/run-log.ts'
import type { RunOptions } from './run-options.ts'
import { keptApartWarnings, runResult, type Attempt } from './run-result.ts'
import { report } from '../contract/report.ts'
import { showRunning } from './running-file.ts'
import { sanityWarnings } from './sanity.ts'
import { mustBeArchiveFolder, openSources } from './sources.ts'

export interface CarriedOut {
  readonly result: RunResult
  /** Why the whole run ended early; null when it did not. */
  readonly failure: BackupError | null
  /** As the state has it; null when that could not be written. */
  readonly recorded: RunRecord | null
  /** What could not be written, and the result once it can be; null when it was written. */
  readonly unrecorded: Unrecorded | null
}

export interface Unrecorded {
  readonly record: RunRecord
  readonly result: RunResult
}

/**
 * Brings a run's archive to these destinations, from wherever it is, and records what came of it. Resolves however it
 * ended.
 */
export async function carryOut(
  run: OpenRun,
  destinations: readonly DestinationConfig[],
  { config, options, state }: { readonly config: Config; readonly options: RunOptions; readonly state: State },
): Promise<CarriedOut> {
  const { log } = options
  const { start, record } = run
  const reporter = new ProgressReporter(destinations.map((one) => one.name))
  const { progress } = reporter
  options.onProgress(progress)
  const opened = destinations.map((one, index) => openForRun(one, config, reporter.destinations[index], options))
  const hideRunning = showRunning(config.state.dir, start.runId, progress)
  const names = destinations.map((one) => one.name)
  log.info({ runId: start.runId, archive: start.name, destinations: names, resumed: run.resumed }, 'run started')

  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const sources = openSources(config, run, reporter, signal)
  const leftOut = new LeftOutList()
  const found = await lastMark(run)
  const known = found instanceof BackupError ? null : found
  const source = new ArchiveSource(
    {
      folder: run.folder,
      root: start.root,
      compression: start.compression,
      startedAt: new Date(start.startedAt),
      prepare: sources.prepare,
      manifest: manifestOf(run, options.version),
      onLeftOut: (left) => {
        leftOut.add(left)
      },
      reporter,
    },
    known,
  )
  let delivery: Delivery | null = null
  let failure: BackupError | null = null
  try {
    if (found instanceof BackupError) throw found
    await mustBeArchiveFolder(start.root)
    const onOutcome = (outcome: Outcome): void => {
      logOutcome(outcome, log)
    }
    delivery = await deliver({
      source,
      object: start.name,
      destinations: opened,
      digests: digestsOf(start, config),
      keeping: run,
      reporter,
      onOutcome,
      signal,
    })
    failure = delivery.failure
  } catch (error) {
    failure = asBackupError(error, options.signal)
  } finally {
    stop.abort()
    await hideRunning()
    await sources.settle()
    await tidyUp(() => source.close(), log)
    await Promise.all(opened.map((destination) => destination.close()))
  }
  await tidyUp(() => leftOut.addFrom(ledgerFiles(run.folder).manifest, placeOf(known).manifest), log)

  const counts = source.counts()
  const dump = factOf(record, 'dump')
  const measure =
    record.state.whole === null || found instanceof BackupError
      ? null
      : {
          files: counts.files,
          bytes: counts.fileBytes,
          tables: dump?.summary.tables ?? null,
          dumpBytes: dump?.summary.bytes ?? null,
        }
  const shrunk = measure === null || options.acceptShrunk ? [] : await compared(measure, state)
  const attempt: Attempt = {
    start,
    resumed: run.resumed,
    files: counts.files,
    dicom: counts.dicom,
    destinations,
    progress,
    delivery,
    failure,
    interrupted: options.signal.aborted,
    leftOut,
    warnings: [...(dump?.warnings ?? []), ...keptApartWarnings(factOf(record, 'plan')?.keptApart ?? 0), ...shrunk],
  }
  const finishedAt = new Date()
  let result = runResult(attempt, finishedAt)
  const digests = delivery?.whole?.digests ?? null
  let recorded: RunRecord | null = runRecord(result, { start, digests, measure, sane: shrunk.length === 0 })
  let unrecorded: Unrecorded | null = null
  try {
    await state.saveRun(recorded)
  } catch (error) {
    unrecorded = { record: recorded, result }
    // What is stored is stored: a record that fails makes the run one to look at, no more.
    const warning = notRecorded(error)
    const isTold = shrunk.some(({ message }) => message === warning.message)
    result = runResult({ ...attempt, warnings: [...attempt.warnings, ...(isTold ? [] : [warning])] }, finishedAt)
    recorded = null
  }
  logEnd(result, failure, log)
  return { result, failure, recorded, unrecorded }
}

/** Where the archive got to in an earlier process; null when it had no part yet, the error when that cannot be read. */
async function lastMark({ record, index }: OpenRun): Promise<Mark | null | BackupError> {
  const { parts } = record.state.made
  try {
    return parts === 0 ? null : (await index.read(parts - 1)).mark
  } catch (error) {
    return asBackupError(error)
  }
}

/** By which all destinations of the run prove themselves, those that get the archive at another time too. */
function digestsOf(start: RunStart, { destinations }: Config): DigestName[] {
  return destinations.filter(({ name }) => start.destinations.includes(name)).map((one) => traitsOf(one).digest)
}

/** A destination that counts, tries again and tells of it. */
function openForRun(
  one: DestinationConfig,
  config: Config,
  own: DestinationReporter | undefined,
  { log, signal, open = openDestination }: RunOptions,
): Destination {
  const onSend = (bytes: number): void => {
    own?.sent(bytes)
  }
  return withRetry(counted(open(one, config.endpoints), onSend), {
    onRetry: (error, pauseMs) => {
      own?.retrying()
      log.warn({ destination: one.name, code: error.code, pauseMs: Math.round(pauseMs), err: error }, 'retrying')
    },
    stop: signal,
  })
}

/** What a run leaves lying about does not take its result away; the next run removes it. */
export async function tidyUp(tidy: () => Promise<void>, log: RunLog): Promise<void> {
  try {
    await tidy()
  } catch (error) {
    log.warn({ err: asBackupError(error) }, "the run's folder could not be cleaned up")
  }
}

function runRecord(
  result: RunResult,
  {
    start,
    digests,
    measure,
    sane,
  }: {
    readonly start: RunStart
    readonly digests: ObjectDigests | null
    readonly measure: SourceMeasure | null
    readonly sane: boolean
  },
): RunRecord {
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

async function compared(measure: SourceMeasure, state: State): Promise<Warning[]> {
  try {
    return sanityWarnings(measure, await state.lastGood())
  } catch (error) {
    return [notRecorded(error)]
  }
}

function notRecorded(error: unknown): Warning {
  const { message } = report(asBackupError(error))
  return { code: 'state-unusable', message: `The run could not be compared with earlier ones or recorded. ${message}` }
}

function logOutcome({ destination: { name }, stored, error }: Outcome, log: RunLog): void {
  if (stored !== null) log.info({ destination: name, bytes: stored.bytes }, 'stored and verified')
  else if (error !== null) tellEnd(error, { destination: name }, 'destination failed', log)
}

function logEnd(result: RunResult, failure: BackupError | null, log: RunLog): void {
  if (failure !== null) tellEnd(failure, {}, 'run failed', log)
  const { runId, status, archive, warnings } = result
  const stored = result.destinations.filter((one) => one.status === 'completed').map((one) => one.name)
  log.info({ runId, status, bytes: archive?.bytes, files: archive?.files, stored, warnings }, 'run ended')
}

/** What a person has stopped is no news to them. */
function tellEnd(error: BackupError, fields: object, message: string, log: RunLog): void {
  const record = { ...fields, code: error.code, err: error }
  if (error.code === 'E_ABORTED') log.info(record, message)
  else log.warn(record, message)
}
