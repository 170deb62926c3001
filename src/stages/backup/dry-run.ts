import type { Destination } from '../../pipeline/contract/destination.ts'
import { asBackupError } from '../../pipeline/contract/errors.ts'
import type { Config } from '../config/types.ts'
import { openPatiently } from '../destinations/open.ts'
import { entryName, FILES_FOLDER } from '../plan/file-name.ts'
import { OWN_FILES } from '../plan/left-out.ts'
import { surveyArchive } from '../plan/survey.ts'
import { foreseeDump } from './foresee-dump.ts'
import { ownPaths } from './own-paths.ts'
import type { DryRunResult, Warning } from '../contract/results.ts'
import { keptApartWarnings } from './run-result.ts'
import { report } from '../contract/report.ts'
import { mustBeArchiveFolder } from './sources.ts'

/** What the dump of a database takes in the archive, as a share of its data in the tables. */
const DUMP_SHARE = { auto: 0.4, fast: 0.4, small: 0.35, store: 1.2 }

export interface DryRunOptions {
  /** Names of the destinations to look at; empty: all of them. */
  readonly only: readonly string[]
  /** Called with the number of files, and of their bytes, that have been examined. */
  readonly onProgress?: (files: number, bytes: number) => void
  readonly signal: AbortSignal
}

/**
 * Says what a run would do: reads the archive folder and the files' headers, inspects the database and signs in to the
 * destinations. Leaves nothing behind. Rejects when the archive folder, the database or the dump program cannot be used,
 * as the run would; a destination that cannot be used is reported in its row.
 */
export async function dryRun(config: Config, { only, onProgress, signal }: DryRunOptions): Promise<DryRunResult> {
  const { root, include, exclude } = config.dicom
  await mustBeArchiveFolder(root)
  const found = config.database === null ? null : await foreseeDump(config.database, signal)
  const options = { include, exclude, skipFolders: ownPaths(config), compression: config.archive.compression }
  const survey = await surveyArchive(root, options, signal, onProgress)
  const leftOut = survey.leftOut.filter(({ reason }) => reason !== OWN_FILES)
  const dumpBytes = Math.round((found?.estimatedBytes ?? 0) * DUMP_SHARE[config.archive.compression])
  const estimatedArchiveBytes = survey.estimatedArchiveBytes + dumpBytes
  const wanted = config.destinations.filter(({ name }) => only.length === 0 || only.includes(name))
  const destinations = await Promise.all(
    wanted.map((one) => look(openPatiently(one, config.endpoints, signal), estimatedArchiveBytes, signal)),
  )
  return {
    status: 'planned',
    files: survey.files,
    bytes: survey.bytes,
    estimatedArchiveBytes,
    database:
      config.database === null || found === null
        ? null
        : { name: config.database.name, estimatedBytes: found.estimatedBytes },
    dicom: survey.dicom,
    byTransferSyntax: survey.byTransferSyntax,
    byModality: survey.byModality,
    destinations,
    skippedFiles: leftOut.map(({ path, reason }) => ({ path: `${FILES_FOLDER}/${entryName(path)}`, reason })),
    warnings: [...(found?.warnings ?? []), ...keptApartWarnings(survey.keptApart), ...emptyFolder(survey.files)],
  }
}

function emptyFolder(files: number): Warning[] {
  return files === 0 ? [{ code: 'source-empty', message: 'The archive folder contains no files.' }] : []
}

type Row = DryRunResult['destinations'][number]

async function look(destination: Destination, archiveBytes: number, signal: AbortSignal): Promise<Row> {
  const { name } = destination
  try {
    const { freeBytes } = await destination.signIn(signal)
    return { name, freeBytes, fits: freeBytes === null ? null : freeBytes >= archiveBytes, error: null }
  } catch (thrown) {
    const error = asBackupError(thrown, signal)
    if (signal.aborted) throw error
    return { name, freeBytes: null, fits: null, error: report(error) }
  } finally {
    await destination.close()
  }
}
