/**
 * Restoring files: what is wanted is read off the directory and the manifest, then fetched by ranges, several at once,
 * and written into the target folder. Nothing has its own name there before it is whole and proved, so a restore can
 * end at any moment and be run again.
 */
import { abortError, asBackupError, BackupError } from '../../../pipeline/contract/errors.ts'
import { targetError } from './errors.ts'
import { RestoreRun } from './run.ts'
import { RestoreTarget } from './target.ts'
import type { RestoredFiles, RestoreFilesOptions } from './types.ts'
import { isEverything } from '../selection.ts'

export type { RestoredFiles, RestoreFilesOptions, RestoreProgress } from './types.ts'

/**
 * Restores what is selected below the folder `to`, each file under its entry's path: `dicom_files/…`, and when nothing
 * is selected the dump, `database/….sql`, and the manifest as well. Goes on with what an earlier call for the same
 * archive left; what is right already is skipped. A file that is damaged, or may not be where its name leads, is reported
 * and not there; the others are.
 *
 * Rejects with E_CONFIG when the folder is not empty or cannot be used, or when something is selected in an archive
 * without manifest; E_QUOTA without room on its disk; E_INTEGRITY when the archive as a whole is damaged; E_ABORTED;
 * or as the archive's file does. What was restored before stays.
 */
export async function restoreFiles(options: RestoreFilesOptions): Promise<RestoredFiles> {
  const { reader, to, overwrite, selection, signal } = options
  if (reader.manifestEntry === null && !isEverything(selection)) throw nothingToSelectBy(reader.name)
  const { name, fingerprint } = reader
  const target = await RestoreTarget.open({ to, overwrite, name, fingerprint }).catch((error: unknown) => {
    throw signal.aborted ? abortError(signal) : error
  })
  const restore = new RestoreRun(options, target)
  try {
    return await restore.run()
  } catch (error) {
    await restore.end()
    // What fails after a person has stopped it is no news to them.
    throw signal.aborted ? abortError(signal) : asBackupError(targetError(error, to, 'folder'))
  }
}

const nothingToSelectBy = (archive: string): BackupError =>
  new BackupError('E_CONFIG', `${archive} has no manifest, so single patients and studies cannot be restored.`, {
    advice: 'Restore the whole archive.',
  })
