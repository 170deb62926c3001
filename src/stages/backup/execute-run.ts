/** Executes one run, as far as it gets today: sources, archive, uploads, record. */
import { countBytes } from '../../pipeline/flow/count-bytes.ts'
import { Uploads, type Delivery, type Outcome } from '../../pipeline/deliver.ts'
import type { Destination } from '../../pipeline/contract/destination.ts'
import type { DigestName } from '../../pipeline/contract/digests.ts'
import { asBackupError, type BackupError } from '../../pipeline/contract/errors.ts'
import { ProgressReporter, type DestinationReporter } from '../../pipeline/contract/progress.ts'
import { withRetry } from '../../pipeline/send/retry.ts'
import type { Mark } from '../../pipeline/contract/source.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { traitsOf } from '../destinations/kinds.ts'
import { openDestination } from '../destinations/open.ts'
import type { RunRecord } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import type { LeftOut } from '../plan/types.ts'
import { ArchiveSource } from '../zip/archive-source.ts'
import { countsAt, leftOutUpTo } from '../zip/checkpoint.ts'
import type { SpooledDump } from '../zip/entries.ts'
import type { ArchiveCounts } from '../zip/place.ts'
import { LeftOutList } from './left-out-list.ts'
import { JournaledHeads } from './manifest-head.ts'
import type { RunResult } from '../contract/results.ts'
import { notRecorded, runRecord, shrunkWarnings } from './record-run.ts'
import { factOf, type RunStart } from './run-facts.ts'
import type { OpenRun } from './run-folder.ts'
import type { RunLog } from '../contract/run-log.ts'
import type { RunOptions } from './run-options.ts'
import { keptApartWarnings, runResult, type Attempt } from './run-result.ts'
import { showRunning } from './running-file.ts'
import { dumpDatabase, mustBeArchiveFolder, planFiles, type SourceInput } from './sources.ts'

export interface Executed {
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

interface Where {
  readonly config: Config
  readonly options: RunOptions
  readonly state: State
}

/**
 * Brings a run's archive to these destinations, from wherever it is, and records what came of it. Resolves however it
 * ended.
 */
export async function executeRun(
  run: OpenRun,
  destinations: readonly DestinationConfig[],
  { config, options, state }: Where,
): Promise<Executed> {
  const { log } = options
  const { start, record } = run
  const names = destinations.map((one) => one.name)
  const reporter = new ProgressReporter(names)
  const { progress } = reporter
  options.onProgress(progress)
  const opened = destinations.map((one, index) => openForRun(one, config, reporter.destinations[index], options))
  const hideRunning = showRunning(config.state.dir, start.runId, progress)
  log.info({ runId: start.runId, archive: start.name, destinations: names, resumed: run.resumed }, 'run started')

  const leftOut = new LeftOutList()
  let known: Mark | null = null
  let counts: ArchiveCounts | null = null
  let delivery: Delivery | null = null
  let failure: BackupError | null = null
  try {
    known = await lastCheckpoint(run)
    counts = countsAt(known)
    await mustBeArchiveFolder(start.root)
    const backedUp = await backUp(opened, { config, run, reporter, signal: options.signal, known, leftOut, options })
    ;({ counts, delivery } = backedUp)
    failure = delivery.failure
  } catch (error) {
    failure = asBackupError(error, options.signal)
  } finally {
    await hideRunning()
    await Promise.all(opened.map((destination) => destination.close()))
  }
  await tidyUp(() => leftOut.addFrom(leftOutUpTo(known, run.folder)), log)

  const { files, fileBytes, dicom } = counts ?? countsAt(null)
  const dump = factOf(record, 'dump')
  const tables = dump?.summary.tables ?? null
  const dumpBytes = dump?.summary.bytes ?? null
  const isMeasured = record.state.whole !== null && counts !== null
  const measure = isMeasured ? { files, bytes: fileBytes, tables, dumpBytes } : null
  const shrunk = measure === null || options.acceptShrunk ? [] : await shrunkWarnings(measure, state)
  const attempt: Attempt = {
    start,
    resumed: run.resumed,
    files,
    dicom,
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
    // What is stored is stored: a record that fails makes the run one to inspect, no more.
    const warning = notRecorded(error)
    const isKnown = shrunk.some(({ message }) => message === warning.message)
    result = runResult({ ...attempt, warnings: [...attempt.warnings, ...(isKnown ? [] : [warning])] }, finishedAt)
    recorded = null
  }
  logEnd(result, failure, log)
  return { result, failure, recorded, unrecorded }
}

/** Where the archive got to in an earlier process; null when it had no part yet. Rejects with E_STATE. */
async function lastCheckpoint({ record, index }: OpenRun): Promise<Mark | null> {
  const { parts } = record.state.made
  return parts === 0 ? null : (await index.read(parts - 1)).mark
}

interface BackUpInput extends SourceInput {
  readonly run: OpenRun
  /** Where an earlier process got to. */
  readonly known: Mark | null
  readonly leftOut: LeftOutList
  readonly options: RunOptions
}

interface BackedUp {
  readonly delivery: Delivery
  readonly counts: ArchiveCounts
}

/**
 * Open a destination, dump, walk, archive, commit: the order in which a run does things (docs/design.md, *The order of
 * steps*). What an earlier process did is not done again. Resolves when every destination has committed or failed.
 */
async function backUp(destinations: readonly Destination[], input: BackUpInput): Promise<BackedUp> {
  const { config, run, reporter, known, options } = input
  const uploads = new Uploads({
    object: run.start.name,
    destinations,
    digests: digestsOf(run.start, config),
    runStore: run,
    reporter,
    onOutcome: (outcome) => {
      logOutcome(outcome, options.log)
    },
    signal: options.signal,
  })
  let archive: ArchiveSource | null = null
  try {
    if (await uploads.begun()) {
      const dump = await dumpDatabase(input)
      const plan = await planFiles(input, dump)
      archive = archiveOf(dump, plan, input)
      await uploads.send(archive)
    }
  } catch (error) {
    uploads.fail(error)
  }
  const delivery = await uploads.committed()
  await tidyUp(async () => archive?.close(), options.log)
  return { delivery, counts: archive?.counts() ?? countsAt(known) }
}

function archiveOf(
  dump: SpooledDump | null,
  plan: string,
  { run, reporter, known, leftOut, options }: BackUpInput,
): ArchiveSource {
  const { root, compression, startedAt } = run.start
  const onLeftOut = (left: LeftOut): void => {
    leftOut.add(left)
  }
  const heads = new JournaledHeads(run, options.version)
  const input = { folder: run.folder, root, compression, startedAt: new Date(startedAt), dump, plan, heads }
  return new ArchiveSource({ ...input, onLeftOut, reporter }, known)
}

/** By which all destinations of the run prove themselves, those that get the archive at another time too. */
function digestsOf(start: RunStart, { destinations }: Config): DigestName[] {
  return destinations.filter(({ name }) => start.destinations.includes(name)).map((one) => traitsOf(one).digest)
}

/** A destination that counts, retries and reports it. */
function openForRun(
  one: DestinationConfig,
  config: Config,
  own: DestinationReporter | undefined,
  { log, signal, open = openDestination }: RunOptions,
): Destination {
  const onSend = (bytes: number): void => {
    own?.sent(bytes)
  }
  return withRetry(countBytes(open(one, config.endpoints), onSend), {
    onRetry: (error, pauseMs) => {
      own?.retrying()
      log.warn({ destination: one.name, code: error.code, pauseMs: Math.round(pauseMs), err: error }, 'retrying')
    },
    stop: signal,
  })
}

/** Cleanup errors never change the result; the next run cleans up. */
export async function tidyUp(tidy: () => Promise<void>, log: RunLog): Promise<void> {
  try {
    await tidy()
  } catch (error) {
    log.warn({ err: asBackupError(error) }, "the run's folder could not be cleaned up")
  }
}

function logOutcome({ destination: { name }, stored, error }: Outcome, log: RunLog): void {
  if (stored !== null) log.info({ destination: name, bytes: stored.bytes }, 'stored and verified')
  else if (error !== null) logError(error, { destination: name }, 'destination failed', log)
}

function logEnd(result: RunResult, failure: BackupError | null, log: RunLog): void {
  if (failure !== null) logError(failure, {}, 'run failed', log)
  const { runId, status, archive, warnings } = result
  const stored = result.destinations.filter((one) => one.status === 'completed').map((one) => one.name)
  log.info({ runId, status, bytes: archive?.bytes, files: archive?.files, stored, warnings }, 'run ended')
}

/** User-requested stops are logged at info, not warn. */
function logError(error: BackupError, fields: object, message: string, log: RunLog): void {
  const record = { ...fields, code: error.code, err: error }
  if (error.code === 'E_ABORTED') log.info(record, message)
  else log.warn(record, message)
}
