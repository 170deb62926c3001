/**
 * What a run reads: the database dump, then the files of the plan. The dump runs at the database's own speed into a spool
 * of the run's folder, so that a slow line never holds a transaction open; no byte of the archive is sent before it is
 * complete, so that what was started can always be resumed. The walk starts when the dump has ended: so every image that
 * the dump refers to is in the plan, and one that arrives later is in the next backup.
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import type { ProgressReporter } from '../../pipeline/contract/progress.ts'
import type { Config } from '../config/types.ts'
import { writePlan } from '../plan/plan-file.ts'
import { checkPlan } from '../plan/plan-reader.ts'
import type { SpooledDump } from '../zip/entries.ts'
import { makeDump } from './make-dump.ts'
import { ownPaths } from './own-paths.ts'
import { factOf, noteFact } from './run-facts.ts'
import { planOf } from './run-files.ts'
import type { OpenRun } from './run-folder.ts'

export interface SourceInput {
  readonly config: Config
  readonly run: Pick<OpenRun, 'folder' | 'record'>
  readonly reporter: ProgressReporter
  /** Ends the dump and the walk. */
  readonly signal: AbortSignal
}

/**
 * The complete dump in the run's folder, made now unless an earlier process made it. Null: no database is configured.
 * Rejects as `makeDump` does.
 */
export async function dumpDatabase({ config, run, reporter, signal }: SourceInput): Promise<SpooledDump | null> {
  const { database } = config
  if (database === null) return null
  const { folder, record } = run
  const file = path.join(folder, 'dump.sql')
  let dump = factOf(record, 'dump')
  if (dump === null) {
    reporter.enter('dumping')
    const onBytes = (bytes: number): void => {
      reporter.dumped(bytes)
    }
    dump = await makeDump(database, { folder, file, onBytes, signal })
    noteFact(record, 'dump', dump)
    await record.sync()
  }
  const { mtimeMs, summary } = dump
  if (!isMade(record)) reporter.dumped(summary.bytes)
  return { name: dumpEntryName(database.name), mtime: new Date(mtimeMs), file, bytes: summary.bytes }
}

/**
 * The plan's file in the run's folder, complete, made now unless an earlier process made it. Rejects with E_SOURCE when the
 * archive folder cannot be walked, with E_STATE when an earlier plan is damaged.
 */
export async function planFiles(
  { config, run, reporter, signal }: SourceInput,
  dump: SpooledDump | null,
): Promise<string> {
  const { folder, record } = run
  const file = planOf(folder)
  let plan = factOf(record, 'plan')
  if (plan === null) {
    const { include, exclude, root } = config.dicom
    const options = { include, exclude, skipFolders: ownPaths(config) }
    const { files, bytes, crc, keptApart } = await writePlan(file, root, options, signal)
    plan = { files, bytes, crc, ...(keptApart === 0 ? {} : { keptApart }) }
    noteFact(record, 'plan', plan)
    await record.sync()
  } else if (!isMade(record)) {
    await checkPlan(file, plan.crc)
  }
  if (!isMade(record)) reporter.planned(plan.files, plan.bytes + (dump?.bytes ?? 0))
  return file
}

/** Whether the whole archive was made: of its sources only what a destination is missing is read again, and compared. */
const isMade = ({ state }: OpenRun['record']): boolean => state.whole !== null

/** `database/<name>.sql`; a database's name may hold characters that a file name may not. */
const dumpEntryName = (database: string): string => `database/${database.replace(/[\\/:*?"<>|\p{Cc}]/gu, '_')}.sql`

/** Rejects with E_SOURCE when the archive folder is not there: most likely its drive is not connected. */
export async function mustBeArchiveFolder(root: string): Promise<void> {
  try {
    if ((await stat(root)).isDirectory()) return
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`
    throw new BackupError('E_SOURCE', `The archive folder ${root} ${why}.`, {
      advice: 'Connect the drive it is on, or correct dicom.root in the configuration.',
      cause: error,
    })
  }
  throw new BackupError('E_SOURCE', `The archive folder ${root} is not a folder.`, {
    advice: 'Correct dicom.root in the configuration.',
  })
}
