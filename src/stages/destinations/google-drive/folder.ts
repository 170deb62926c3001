import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { DriveApi } from './api.ts'
import { createFolder, fileById, filesNamed } from './files.ts'
import type { Parent } from './files.ts'
import type { DriveFile } from './drive-file.ts'
import { waitFor } from '../../../pipeline/flow/wait-for.ts'

/** The folder that the archives are in. */
export interface DriveFolder extends Parent {
  /** For people: names with '/' between them. */
  readonly path: string
}

export interface FolderFinder {
  /**
   * The folder that the path starts from: My Drive, or the one named by id. Rejects with E_CONFIG when that is missing.
   */
  start(signal: AbortSignal): Promise<DriveFolder>
  /** The deepest folder on the way to it that exists; `missing`: the names below it that do not. Makes none. */
  nearest(signal: AbortSignal): Promise<{ readonly folder: DriveFolder; readonly missing: readonly string[] }>
  /** The folder, or null when it does not exist. */
  find(signal: AbortSignal): Promise<DriveFolder | null>
  /** The folder, made when it does not exist; never twice, however many ask at once. */
  ensure(signal: AbortSignal): Promise<DriveFolder>
  /** Drops what is remembered, after Google said that the folder is gone. */
  forget(): void
}

/** Where a person finds `name` in the folder. */
export function pathIn(folder: DriveFolder, name: string): string {
  return folder.path === '' ? name : `${folder.path}/${name}`
}

const MY_DRIVE: DriveFolder = { id: 'root', driveId: null, path: '' }
const BY_ID = /^id:(.+)$/

/**
 * Finds `setting`, names with '/' between them below My Drive. Its first part may be `id:FOLDER_ID` (from the folder's
 * address in the browser) instead, which reaches folders shared with the account and shared drives.
 *
 * @param closing ends work that several callers share.
 */
export function folderFinder(api: DriveApi, setting: string, closing: AbortSignal): FolderFinder {
  const parts = setting.split('/').filter((part) => part !== '')
  const startId = BY_ID.exec(parts[0] ?? '')?.[1] ?? null
  const names = startId === null ? parts : parts.slice(1)

  const start = async (signal: AbortSignal): Promise<DriveFolder> => {
    if (startId === null) return MY_DRIVE
    const file = await fileById(api, startId, signal)
    if (file?.isFolder === true) return { id: file.id, driveId: file.driveId, path: file.name }
    throw new BackupError(
      'E_CONFIG',
      `${api.caller.name}: there is no folder with the id ${startId} for this sign-in.`,
      {
        advice:
          'Check the id, and that the folder is shared with the account. A sign-in that may see only its own files ' +
          '(drive.file) does not see a folder made by hand.',
      },
    )
  }

  /** Of several folders of one name the oldest counts, for every process alike. */
  const oldest = async (parent: Parent, name: string, signal: AbortSignal): Promise<DriveFile | null> =>
    (await filesNamed(api, parent, name, 'folder', signal)).at(-1) ?? null

  const oldestOrNew = async (parent: Parent, name: string, signal: AbortSignal): Promise<DriveFile> => {
    const found = await oldest(parent, name, signal)
    if (found !== null) return found
    const made = await createFolder(api, parent, name, signal)
    // Asked again, so that two processes that each made one agree; a list may lag behind.
    return (await oldest(parent, name, signal)) ?? made
  }

  const walk = async <T extends DriveFile | null>(
    step: (parent: Parent, name: string, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<DriveFolder | Extract<T, null>> => {
    let folder = await start(signal)
    for (const name of names) {
      const next = await step(folder, name, signal)
      if (next === null) return next as Extract<T, null>
      folder = { id: next.id, driveId: next.driveId, path: pathIn(folder, name) }
    }
    return folder
  }

  let known: DriveFolder | null = null
  let making: Promise<DriveFolder> | null = null
  const make = async (): Promise<DriveFolder> => {
    try {
      return (known = await walk(oldestOrNew, closing))
    } finally {
      making = null
    }
  }

  const nearest = async (signal: AbortSignal): Promise<{ folder: DriveFolder; missing: string[] }> => {
    let folder = await start(signal)
    for (const [index, name] of names.entries()) {
      const next = await oldest(folder, name, signal)
      if (next === null) return { folder, missing: names.slice(index) }
      folder = { id: next.id, driveId: next.driveId, path: pathIn(folder, name) }
    }
    return { folder, missing: [] }
  }

  return {
    start,
    nearest,
    find: async (signal) => (known ??= await walk(oldest, signal)),
    ensure: async (signal) => known ?? (await waitFor((making ??= make()), signal)),
    forget: () => {
      known = null
    },
  }
}
