import { existsSync } from 'node:fs'
import path from 'node:path'

/** The folder of real DICOM files that lies beside the project, or null where it is absent. */
export function sharedDicom(): string | null {
  const folder = path.resolve(import.meta.dirname, '../../../shared/dicom')
  return existsSync(path.join(folder, 'MANIFEST.tsv')) ? folder : null
}

/** For a test's `skip` option: false, or the reason to print. */
export const noSharedDicom: string | false =
  sharedDicom() === null ? 'the folder shared/dicom of real DICOM files is not beside the project' : false
