/** Brings a stored archive back: its files into a folder, its dump into a database, or a list of what is in it. */
import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import type { RestoredDatabase, RestoreResult, Warning } from '../contract/results.ts'
import type { Config } from '../config/types.ts'
import { aheadText, askAll, findArchive } from '../find/find-archive.ts'
import type { FoundArchive } from '../find/found.ts'
import { closeAll, openToRead } from '../find/open-to-read.ts'
import { recordedTimes, sentBy } from '../find/recorded.ts'
import { ActivityReporter, type OnWork } from '../find/activity.ts'
import { listStudies, type StudyList } from './list-studies.ts'
import { ownerWarnings } from './files/owner.ts'
import { firstOf, isOfCopy, opened, withOthers, type FindOptions, type From } from './restore-copies.ts'
import { findDump } from './database/entry.ts'
import { dropDatabase, mustBeDatabaseName, type SqlServer } from './database/server.ts'
import { mustBeFree, mustHaveServer, restoreDatabase, withServer } from './database/load.ts'
import { restoreFiles, type RestoredFiles } from './files/restore-files.ts'
import type { Selection } from './selection.ts'

export interface RestoreOptions extends FindOptions {
  /** The folder to restore files to; null: none. */
  readonly to: string | null
  /** The database to restore the dump to; null: none. */
  readonly database: string | null
  readonly selection: Selection
  readonly overwrite: boolean
  /** Files get their owner, group and mode. */
  readonly owner: boolean
  /** Hears which archive it is, and where it is, before anything is restored. */
  readonly onFound: (found: FoundArchive) => void
}

/**
 * Restores an archive from the first of its copies that can be read; what is damaged there is taken from the others.
 * What cannot be restored at all stands in the result. Rejects with E_CONFIG when folder or database may not be used, with
 * E_DESTINATION when the archive is nowhere, else as `restoreFiles` and `restoreDatabase`.
 */
export async function restoreArchive(config: Config, options: RestoreOptions): Promise<RestoreResult> {
  const { database: name, overwrite, signal } = options
  if (name === null) return await withArchive(config, options, (found) => restoreFrom(found, null, options))
  mustBeDatabaseName(name)
  return await withServer(mustHaveServer(config), async (server) => {
    await mustBeFree({ server, name, overwrite, signal })
    return await withArchive(config, options, (found) => restoreFrom(found, server, options))
  })
}

/** The studies of an archive. */
export async function listArchive(
  config: Config,
  options: FindOptions,
): Promise<StudyList & { readonly archive: string; readonly from: string }> {
  return await withArchive(config, options, async (found) => {
    const { value, from } = await firstOf(found, options, async (copy) => {
      new ActivityReporter(options.onWork, copy.destination.name).begin('reading', null)
      const reader = await opened(copy, found, options.signal)
      return await listStudies({ reader, signal: options.signal })
    })
    return { archive: found.name, from, ...value }
  })
}

async function withArchive<T>(
  config: Config,
  options: FindOptions,
  use: (found: FoundArchive) => Promise<T>,
): Promise<T> {
  const destinations = openToRead(config, options)
  try {
    new ActivityReporter(options.onWork, null).begin('asking', null)
    const listings = await askAll(destinations, options.signal, sentBy(options.state ?? null, options.log))
    const now = new Date()
    const recorded = await recordedTimes(options.state ?? null, now, options.log)
    const question = { prefix: config.archive.prefix, recorded, now, signal: options.signal }
    const found = await findArchive(listings, { name: options.archive, ...question })
    const ahead = aheadText(found.ahead, found.name)
    if (ahead !== null) options.log.warn({}, ahead)
    for (const { destination, error } of found.passedOver) {
      options.log.warn({ destination: destination.name, code: error.code, err: error }, 'destination skipped')
    }
    return await use(found)
  } finally {
    await closeAll(destinations)
  }
}

async function restoreFrom(
  found: FoundArchive,
  server: SqlServer | null,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const { log, onFound, to, database } = options
  onFound(found)
  const at = found.copies.map(({ destination }) => destination.name)
  log.info({ archive: found.name, at, files: to !== null, database }, 'restore started')
  // Images first: no database shall tell of one that is not there.
  const files = to === null ? null : await filesFrom(found, to, options)
  const loaded = server === null || database === null ? null : await databaseFrom(found, server, database, options)
  const result = {
    archive: found.name,
    from: files?.from ?? loaded?.from ?? '',
    ...told(files?.value ?? null),
    database: loaded?.value.database ?? null,
    warnings: [...ownerWarnings(files?.value ?? null), ...(loaded?.value.warnings ?? [])],
  }
  const { files: count, bytes, skipped, damagedFiles = 0 } = result
  const tables = result.database?.tables ?? null
  log.info({ archive: found.name, from: result.from, files: count, bytes, skipped, damagedFiles, tables }, 'restored')
  return result
}

function told(files: RestoredFiles | null): Omit<RestoreResult, 'archive' | 'from' | 'database' | 'warnings'> {
  if (files === null) return { files: 0, bytes: 0, skipped: 0 }
  const { bytes, skipped, leftOut, damagedFiles, damaged, renamed, notFound } = files
  const missing = notFound.patients.length + notFound.studies.length + notFound.series.length
  return {
    files: files.files,
    bytes,
    skipped,
    ...(leftOut === 0 ? {} : { leftOut }),
    ...(damagedFiles === 0 ? {} : { damagedFiles, damaged }),
    ...(renamed.length === 0 ? {} : { renamed }),
    ...(missing === 0 ? {} : { notFound }),
  }
}

/** What is damaged in one copy is brought from the next: it finds everything else right already. */
async function filesFrom(found: FoundArchive, to: string, options: RestoreOptions): Promise<From<RestoredFiles>> {
  const { overwrite, selection, owner, signal, log } = options
  let best: From<RestoredFiles> | null = null
  for (const [index, copy] of found.copies.entries()) {
    const from = copy.destination.name
    const isLast = index === found.copies.length - 1
    try {
      const reader = await opened(copy, found, signal)
      const onProgress = tellFiles(from, options.onWork)
      const files = await restoreFiles({ reader, to, overwrite, selection, owner, onProgress, signal })
      best = { from, value: best === null ? files : together(best.value, files) }
      if (files.damagedFiles === 0 || isLast) return best
      log.warn({ destination: from, damagedFiles: files.damagedFiles }, 'the copy is damaged; trying the next one')
    } catch (error) {
      const known = asBackupError(error, signal)
      // A copy with another end is another archive to the folder.
      const isOther = best !== null && known.code === 'E_CONFIG'
      if (!isOther && !isOfCopy(known)) throw known
      if (isLast && best === null) throw withOthers(known, found, copy, options)
      if (isLast && best !== null) return best
      log.warn({ destination: from, code: known.code, err: known }, 'the copy cannot be read; trying the next one')
    }
  }
  throw new BackupError('E_INTERNAL', 'No copy was tried.')
}

/** Two calls for one folder as one: what the second found right, the first had written or found. */
function together(first: RestoredFiles, second: RestoredFiles): RestoredFiles {
  return {
    ...second,
    files: first.files + second.files,
    bytes: first.bytes + second.bytes,
    skipped: Math.max(0, second.skipped - first.files),
  }
}

async function databaseFrom(
  found: FoundArchive,
  server: SqlServer,
  name: string,
  options: RestoreOptions,
): Promise<From<{ readonly database: RestoredDatabase; readonly warnings: readonly Warning[] }>> {
  // What a copy that breaks off leaves in the database is ours to replace.
  let isOurs = false
  return await firstOf(found, options, async (copy) => {
    const { onWork, signal } = options
    const dump = await findDump(await opened(copy, found, signal), signal)
    if (dump === null) throw withoutDatabase(found.name)
    const teller = new ActivityReporter(onWork, copy.destination.name)
    if (isOurs && !options.overwrite) await dropDatabase(server, name, signal)
    const { warnings, renamed, ...counts } = await restoreDatabase(dump, {
      server,
      name,
      overwrite: options.overwrite,
      isolated: false,
      onStep: (step) => {
        if (step === 'loading') isOurs = true
        teller.begin(step, step === 'loading' ? dump.bytes : null)
      },
      onBytes: teller.read,
      signal,
    })
    const expectedTables = dump.about?.tables ?? null
    return { database: { ...counts, expectedTables, ...(renamed.length === 0 ? {} : { renamed }) }, warnings }
  })
}

function tellFiles(from: string, onWork: OnWork): Parameters<typeof restoreFiles>[0]['onProgress'] {
  return (progress) => {
    onWork(() => {
      const { phase, filesDone, filesTotal, bytesDone, bytesTotal } = progress
      const files = filesTotal === null ? null : { done: filesDone, total: filesTotal }
      return { doing: phase, destination: from, done: bytesDone, total: bytesTotal, files }
    })
  }
}

function withoutDatabase(name: string): BackupError {
  return new BackupError('E_DUMP', `${name} has no database in it.`, {
    advice: 'It is a backup of files only: restore them with --to, or name another archive.',
  })
}
