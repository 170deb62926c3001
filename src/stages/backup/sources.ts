import { stat } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/errors.ts'
import type { Progress } from '../../pipeline/progress.ts'
import { spool, type Spool } from '../../pipeline/spool.ts'
import type { Config, DatabaseConfig } from '../config/types.ts'
import { inspectDatabase, type DatabaseInspection } from '../database/inspect.ts'
import { dumpDatabase, type DumpSummary } from '../dump/dump.ts'
import { readPlan, writePlan, type Plan } from '../plan/plan-file.ts'
import type { WalkItem } from '../plan/walk.ts'
import type { DumpEntry } from '../zip/write-archive.ts'
import type { Warning } from './results.ts'
import { ownPaths } from './own-paths.ts'

/**
 * What a run reads: the database dump, then the files of the plan. The dump runs at the database's own speed into a
 * spool of the work folder, so that a slow line never holds a transaction open. The walk begins when the dump has
 * ended: thus every image that the dump tells of is in the plan, and one that comes later is in the next backup.
 */
export interface Sources {
  /** Null when no database is configured. */
  readonly dump: DumpEntry | null
  /** The plan's items. Ask after the dump has been read. */
  files(): AsyncGenerator<WalkItem>
  /** What the dump turned out to be; null before its end and without a database. */
  dumpSummary(): DumpSummary | null
  /** What the dump may lack although it succeeds. */
  warnings(): readonly Warning[]
  /** Waits until nothing of it runs any more. Call it after the run's signal was aborted or all was read. */
  settle(): Promise<void>
}

/** Nothing starts before it is read. `signal` ends the dump and the walk. */
export function openSources(config: Config, folder: string, progress: Progress, signal: AbortSignal): Sources {
  let summary: DumpSummary | null = null
  let spooled: Spool | null = null
  let planning: Promise<Plan> | null = null
  let warnings: readonly Warning[] = []

  const makePlan = async (): Promise<Plan> => {
    await spooled?.done
    const { include, exclude, root } = config.dicom
    const options = { include, exclude, skipFolders: ownPaths(config) }
    const plan = await writePlan(path.join(folder, 'plan.ndjson'), root, options, signal)
    progress.filesTotal = plan.files
    progress.bytesTotal = plan.bytes
    return plan
  }
  const startPlan = (): Promise<Plan> => {
    if (planning === null) {
      planning = makePlan()
      planning.catch(() => undefined)
    }
    return planning
  }

  const { database } = config
  const dumpBytes = async function* (): AsyncGenerator<Uint8Array> {
    if (database === null) return
    const dump = dumpDatabase(database, { folder, signal })
    spooled = spool(dump, path.join(folder, 'dump.sql'), signal)
    void startPlan()
    const expected = await lookAt(database, signal)
    yield* spooled.read()
    summary = dump.summary
    warnings = dumpWarnings(database, expected, summary)
  }

  return {
    dump: database === null ? null : { name: dumpEntryName(database.name), mtime: new Date(), bytes: dumpBytes() },
    async *files() {
      yield* readPlan((await startPlan()).path)
    },
    dumpSummary: () => summary,
    warnings: () => warnings,
    async settle() {
      await Promise.allSettled([spooled?.done, planning])
    },
  }
}

/**
 * What keeps the database from being dumped at all, the dump program says itself and better, so a failure to look is
 * none here.
 */
async function lookAt(database: DatabaseConfig, signal: AbortSignal): Promise<DatabaseInspection | null> {
  try {
    return await inspectDatabase(database, signal)
  } catch {
    return null
  }
}

/**
 * The dump program passes over in silence what its account may not see, and what an option of this machine excludes.
 */
function dumpWarnings(
  { user }: DatabaseConfig,
  expected: DatabaseInspection | null,
  made: DumpSummary | null,
): Warning[] {
  if (expected === null || made === null) return []
  const warnings = expected.missingPrivileges.map(({ privilege, effect, grant }) => ({
    code: 'dump-privileges',
    message: `The database account ${user} lacks ${privilege}: ${effect}. As an administrator of the database: ${grant}`,
  }))
  if (made.tables < expected.tables) {
    const message = `The dump has ${made.tables} of the database's ${expected.tables} tables. Look for ignore-table among this machine's options for mysqldump.`
    warnings.push({ code: 'dump-tables', message })
  }
  return warnings
}

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
