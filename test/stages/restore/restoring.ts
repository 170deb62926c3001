/** Restores an archive into a folder and says what is in it: for the tests of restoring files. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import type { RemoteFile } from '../../../src/stages/archive/remote-file.ts'
import {
  restoreFiles,
  type RestoredFiles,
  type RestoreFilesOptions,
} from '../../../src/stages/restore/files/restore-files.ts'
import { EVERYTHING, type Selection } from '../../../src/stages/restore/selection.ts'
import { sha256 } from '../zip/archive-maker.ts'
import { fileOf, never } from '../archive/stored-archive.ts'

export async function restore(
  archive: Buffer | RemoteFile,
  to: string,
  options: Partial<Omit<RestoreFilesOptions, 'selection'>> & { readonly selection?: Partial<Selection> } = {},
): Promise<RestoredFiles> {
  const reader = await ArchiveReader.open(Buffer.isBuffer(archive) ? fileOf(archive) : archive, never)
  return await restoreFiles({
    reader,
    to,
    overwrite: false,
    owner: false,
    onProgress: () => undefined,
    signal: never,
    ...options,
    selection: { ...EVERYTHING, ...options.selection },
  })
}

/** All files below a folder by their paths with `/`, hidden ones too, each with its hash and its modification time in ms. */
export async function filesBelow(folder: string): Promise<Map<string, { sha256: string; mtimeMs: number }>> {
  const files = new Map<string, { sha256: string; mtimeMs: number }>()
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of found.filter((one) => !one.isDirectory())) {
    const file = path.join(entry.parentPath, entry.name)
    const mtimeMs = Math.floor((await stat(file)).mtimeMs)
    files.set(path.relative(folder, file).replaceAll(path.sep, '/'), { sha256: sha256(await readFile(file)), mtimeMs })
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const namesBelow = async (folder: string): Promise<string[]> => [...(await filesBelow(folder)).keys()]
