/**
 * Paths for programs that take their arguments in the system's code page, as those of MySQL and the older ones of MariaDB
 * do on Windows: a path with other characters does not reach them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { makePrivate } from './private-path.ts'

export interface PlainFolder {
  readonly path: string
  /** Removes the folder with what is in it when it was made for this; else does nothing. Never rejects. */
  remove(): Promise<void>
}

/** Where this machine's own are in the way of a test. */
export interface Places {
  readonly platform: NodeJS.Platform
  /** Folders in which anyone may make one; the first that suits is taken. */
  readonly folders: readonly string[]
  readonly makePrivate: (folder: string) => boolean
}

function places(): Places {
  const { ProgramData = 'C:\\ProgramData', SystemRoot = 'C:\\Windows' } = process.env
  return {
    platform: process.platform,
    folders: [os.tmpdir(), ProgramData, path.win32.join(SystemRoot, 'Temp')],
    makePrivate: (folder) => makePrivate(folder, 'folder'),
  }
}

/**
 * The private folder itself, or on Windows, where its path has characters beyond ASCII, a new one that is private too.
 * The folder itself again where none can be made: the program's own words tell then that it cannot open the file.
 */
export async function plainFolder(folder: string, here: Places = places()): Promise<PlainFolder> {
  if (here.platform === 'win32' && !isPlain(folder)) {
    for (const place of here.folders.filter(isPlain)) {
      const made = await mkdtemp(path.join(place, 'dicom-backup-')).catch(() => null)
      if (made === null) continue
      const remove = (): Promise<void> => rm(made, { recursive: true, force: true }).catch(() => undefined)
      if (here.makePrivate(made)) return { path: made, remove }
      await remove()
    }
  }
  return { path: folder, remove: () => Promise.resolve() }
}

const isPlain = (file: string): boolean => /^[\x20-\x7e]*$/.test(file)
