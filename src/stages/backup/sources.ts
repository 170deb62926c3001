import { stat } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/errors.ts'
import type { ProgressReporter } from '../../pipeline/progress.ts'
import type { RunRecord } from '../../pipeline/run-record.ts'
import type { Config, DatabaseConfig } from '../config/types.ts'
import { writePlan } from '../plan/plan-file.ts'
import { checkPlan } from '../plan/plan-reader.ts'
import type { Prepared } from '../zip/archive-source.ts'
import { makeDump } from './make-dump.ts'
import { ownPaths } from './own-paths.ts'
import { factOf, noteFact, type DumpFact } from './run-facts.ts'
import { planOf } from './run-files.ts'

/**
 * What a run reads: the database dump, then the files of the plan. The dump runs at the database's own speed into a
 * spool of the run's folder, so that a slow line never holds a transaction open; no byte of the archive goes out before
 * it is whole, so that what is begun can always be gone on with. The walk begins when the dump has ended: thus every image
 * that the dump tells of is in the plan, and one that comes later is in the next backup.
 */
export interface Sources {
  /** Makes the dump and the plan, or finds those of an earlier process. Does it once. */
  readonly prepare: () => Promise<Prepared>
  /** Waits until nothing of it runs any more. Call it after the run's signal was aborted or all was read. */
  settle(): Promise<void>
}

/** Nothing starts before `prepare`. `signal` ends the dump and the walk. */
export function openSources(
  config: Config,
  run: { readonly folder: string; readonly record: RunRecord },
  reporter: ProgressReporter,
  signal: AbortSignal,
): Sources {
  const { record, folder } = run
  const planFile = planOf(folder)
  const dumpFile = path.join(folder, 'dump.sql')
  let preparing: Promise<Prepared> | null = null

  const dump = async (database: DatabaseConfig): Promise<DumpFact> => {
    const known = factOf(record, 'dump')
    if (known !== null) return known
    reporter.enter('dumping')
    const onBytes = (bytes: number): void => {
      reporter.dumped(bytes)
    }
    const fact = await makeDump(database, { folder, file: dumpFile, onBytes, signal })
    noteFact(record, 'dump', fact)
    await record.sync()
    return fact
  }

  const plan = async (dumpBytes: number): Promise<void> => {
    let known = factOf(record, 'plan')
    if (known === null) {
      const { include, exclude, root } = config.dicom
      const { files, bytes, crc, keptApart } = await writePlan(
        planFile,
        root,
        { include, exclude, skipFolders: ownPaths(config) },
        signal,
      )
      known = { files, bytes, crc, ...(keptApart === 0 ? {} : { keptApart }) }
      noteFact(record, 'plan', known)
      await record.sync()
    } else {
      await checkPlan(planFile, known.crc)
    }
    reporter.planned(known.files, known.bytes + dumpBytes)
  }

  const prepare = async (): Promise<Prepared> => {
    const { database } = config
    if (database === null) {
      await plan(0)
      return { dump: null, plan: planFile }
    }
    const { mtimeMs, summary } = await dump(database)
    reporter.dumped(summary.bytes)
    await plan(summary.bytes)
    const name = dumpEntryName(database.name)
    return { dump: { name, mtime: new Date(mtimeMs), file: dumpFile, bytes: summary.bytes }, plan: planFile }
  }

  return {
    prepare: () => (preparing ??= prepare()),
    async settle() {
      await preparing?.catch(() => undefined)
    },
  }
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
