/** One backup: lock, sources, archive, delivery, record. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '../../pipeline/counted.ts'
import { deliver, type Delivery, type Outcome } from '../../pipeline/deliver.ts'
import type { Destination } from '../../pipeline/destination.ts'
import { asBackupError, type BackupError } from '../../pipeline/errors.ts'
import { newProgress, type DestinationProgress, type Progress } from '../../pipeline/progress.ts'
import { withRetry } from '../../pipeline/retry.ts'
import type { Config } from '../config/types.ts'
import { openDestination } from '../destinations/open.ts'
import { takeLock } from '../state/lock.ts'
import { Store, type RunRecord, type SourceMeasure } from '../state/store.ts'
import { Ledger } from '../zip/ledger.ts'
import type { ManifestHead } from '../zip/manifest.ts'
import { writeArchive } from '../zip/write-archive.ts'
import { archiveName } from './archive-name.ts'
import { LeftOutList } from './left-out-list.ts'
import { report, runResult, type Attempt } from './run-result.ts'
import type { RunResult, Warning } from './results.ts'
import { sanityWarnings } from './sanity.ts'
import { mustBeArchiveFolder, openSources, type Sources } from './sources.ts'
import { makeWorkFolder, removeWorkFolder } from './work-folder.ts'

/** Where a run tells what it does. Never given a secret, a patient's name or id, or a DICOM path. */
export interface RunLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface RunOptions {
  /** This program's version, for the manifest. */
  readonly version: string
  /** Names of the destinations to use; empty: all of them. */
  readonly only: readonly string[]
  /** A source that shrank is taken as it is, and later runs compare themselves with it. */
  readonly acceptShrunk: boolean
  readonly log: RunLog
  /** Gets the counters once, before anything is counted. */
  readonly onProgress: (progress: Progress) => void
  readonly signal: AbortSignal
}

/**
 * Makes one backup and stores it at every destination. Resolves with the result however the run ended. Rejects only
 * when no run could begin, with E_LOCKED when another is active, with E_STATE or E_QUOTA when the state folder cannot
 * be used; and with E_STATE when the run could not be recorded at its end.
 */
export async function runBackup(config: Config, options: RunOptions): Promise<RunResult> {
  const store = Store.open(config.state.dir)
  try {
    const runId = randomUUID()
    const lock = await takeLock(config.state.dir, runId)
    try {
      const folder = await makeWorkFolder(config.state.dir, runId)
      try {
        return await lockedRun(config, options, { runId, folder, store })
      } finally {
        await tidyUp(() => removeWorkFolder(folder), options.log)
      }
    } finally {
      lock.release()
    }
  } finally {
    store.close()
  }
}

interface RunPlace {
  readonly runId: string
  readonly folder: string
  readonly store: Store
}

async function lockedRun(config: Config, options: RunOptions, { runId, folder, store }: RunPlace): Promise<RunResult> {
  const { log } = options
  const { startedAt, name } = await freeName(config.archive.prefix, store)
  const wanted = config.destinations.filter((one) => options.only.length === 0 || options.only.includes(one.name))
  const progress = newProgress(wanted.map((one) => one.name))
  options.onProgress(progress)
  const destinations = wanted.map((one, index) => {
    const own = progress.destinations[index]
    const onSend = (bytes: number): void => {
      if (own !== undefined) own.sent += bytes
    }
    return withRetry(counted(openDestination(one, config.endpoints), onSend), undefined, (error, pauseMs) => {
      tellRetry(own, error, pauseMs, log)
    })
  })
  log.info({ runId, archive: name, destinations: wanted.map((one) => one.name) }, 'run started')

  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const sources = openSources(config, folder, progress, signal)
  const leftOut = new LeftOutList()
  let ledger: Ledger | null = null
  let delivery: Delivery | null = null
  let failure: BackupError | null = null
  try {
    await mustBeArchiveFolder(config.dicom.root)
    const made = (ledger = await Ledger.create(folder))
    const source = writeArchive(
      {
        root: config.dicom.root,
        compression: config.archive.compression,
        dump: sources.dump,
        files: () => sources.files(),
        head: () => manifestHead(config, options.version, { runId, startedAt, sources, ledger: made }),
        onLeftOut: (left) => {
          leftOut.add(left)
        },
        progress,
      },
      made,
    )
    const onOutcome = (outcome: Outcome): void => {
      logOutcome(outcome, log)
    }
    delivery = await deliver({ source, object: name, destinations, progress, onOutcome, signal })
    failure = delivery.failure
  } catch (error) {
    failure = asBackupError(error, options.signal)
  } finally {
    stop.abort()
    await sources.settle()
    await tidyUp(async () => ledger?.close(), log)
    await closeAll(destinations)
  }

  const measure = delivery === null || delivery.whole === null || ledger === null ? null : stored(ledger, sources)
  const shrunk = measure === null || options.acceptShrunk ? [] : compared(measure, store)
  const attempt: Attempt = {
    runId,
    name,
    startedAt,
    files: ledger?.files ?? 0,
    destinations: wanted,
    progress,
    delivery,
    failure,
    interrupted: options.signal.aborted,
    leftOut,
    warnings: [...sources.warnings(), ...shrunk],
  }
  const finishedAt = new Date()
  let result = runResult(attempt, finishedAt)
  try {
    store.saveRun(runRecord(result, measure, shrunk.length === 0))
  } catch (error) {
    // What is stored is stored: a record that fails makes the run one to look at, no more.
    result = runResult({ ...attempt, warnings: [...attempt.warnings, notRecorded(error)] }, finishedAt)
  }
  logEnd(result, failure, log)
  return result
}

/** What a run leaves lying about does not take its result away; the next run removes it. */
async function tidyUp(tidy: () => Promise<void>, log: RunLog): Promise<void> {
  try {
    await tidy()
  } catch (error) {
    log.warn({ err: asBackupError(error) }, 'the work folder could not be removed')
  }
}

function runRecord(result: RunResult, measure: SourceMeasure | null, sane: boolean): RunRecord {
  const { runId, status, startedAt, finishedAt, archive, warnings, destinations } = result
  return {
    runId,
    status,
    startedAt,
    finishedAt,
    archive: archive?.name ?? null,
    bytes: archive?.bytes ?? null,
    source: measure,
    sane,
    warnings,
    destinations,
  }
}

/** What is in the archive: a file that could not be read counts as lost, like one that is gone. */
function stored({ files, fileBytes }: Ledger, sources: Sources): SourceMeasure {
  const dump = sources.dumpSummary()
  return { files, bytes: fileBytes, tables: dump?.tables ?? null, dumpBytes: dump?.bytes ?? null }
}

function compared(measure: SourceMeasure, store: Store): Warning[] {
  try {
    return sanityWarnings(measure, store.lastGood())
  } catch (error) {
    return [notRecorded(error)]
  }
}

function notRecorded(error: unknown): Warning {
  const { message } = report(asBackupError(error))
  return { code: 'state-unusable', message: `The run could not be compared with earlier ones or recorded. ${message}` }
}

/**
 * A start whose archive name no earlier run has: two may start in one second, and at a clock change an hour comes
 * twice.
 */
async function freeName(prefix: string, store: Store): Promise<{ readonly startedAt: Date; readonly name: string }> {
  for (;;) {
    const startedAt = new Date()
    const name = archiveName(prefix, startedAt)
    if (!store.hasArchive(name)) return { startedAt, name }
    await sleep(1000 - startedAt.getMilliseconds())
  }
}

function tellRetry(own: DestinationProgress | undefined, error: BackupError, pauseMs: number, log: RunLog): void {
  if (own !== undefined) own.state = 'retrying'
  log.warn({ destination: own?.name, code: error.code, pauseMs: Math.round(pauseMs), err: error }, 'trying again')
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

async function closeAll(destinations: readonly Destination[]): Promise<void> {
  await Promise.all(destinations.map((destination) => destination.close()))
}

function manifestHead(
  config: Config,
  version: string,
  run: { readonly runId: string; readonly startedAt: Date; readonly sources: Sources; readonly ledger: Ledger },
): ManifestHead {
  const { ledger } = run
  const summary = run.sources.dumpSummary()
  return {
    tool: 'dicom-backup',
    version,
    runId: run.runId,
    startedAt: run.startedAt.toISOString(),
    writtenAt: new Date().toISOString(),
    database:
      config.database === null || summary === null
        ? null
        : { name: config.database.name, tables: summary.tables, bytes: summary.bytes, client: summary.client },
    counts: { files: ledger.files, bytes: ledger.fileBytes, skipped: ledger.skipped },
  }
}
