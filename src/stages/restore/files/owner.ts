/** Owner and mode of restored files, as `--owner` asks for. */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Warning } from '../../contract/results.ts'
import type { FileOwner } from '../../zip/manifest.ts'
import type { RestoredFiles } from './types.ts'

export interface WantedOwner {
  /** Permissions only: 0 to 0o777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** The set-user-ID, set-group-ID and sticky bits are never restored. Null: the manifest does not have it. */
export function wantedOwner({ mode, uid, gid }: FileOwner): WantedOwner | null {
  if (mode === undefined || uid === undefined || gid === undefined) return null
  return { mode: Number.parseInt(mode, 8) & 0o777, uid, gid }
}

export const hasOwner = (found: Stats, { mode, uid, gid }: WantedOwner): boolean =>
  (found.mode & 0o7777) === mode && found.uid === uid && found.gid === gid

// O_NOFOLLOW is not there on Windows.
const FLAGS = constants.O_RDONLY | ((constants.O_NOFOLLOW as number | undefined) ?? 0)
/** To chown: as it is. */
const SAME = -1

/**
 * Gives a file its owner, group and mode as far as this account may: the group also where the owner is refused. False
 * when it does not have all three then, also where the file system says yes and does nothing. Never rejects.
 */
export async function setOwner(file: string, wanted: WantedOwner): Promise<boolean> {
  try {
    const handle = await open(file, FLAGS)
    try {
      await handle.chown(wanted.uid, wanted.gid).catch(() => handle.chown(SAME, wanted.gid).catch(() => undefined))
      await handle.chmod(wanted.mode)
      return hasOwner(await handle.stat(), wanted)
    } finally {
      await handle.close()
    }
  } catch {
    return false
  }
}

/** As `setOwner`, for the threads. */
export function setOwnerSync(file: string, wanted: WantedOwner): boolean {
  try {
    const descriptor = openSync(file, FLAGS)
    try {
      const isOwned = isDone(() => {
        fchownSync(descriptor, wanted.uid, wanted.gid)
      })
      if (!isOwned) {
        isDone(() => {
          fchownSync(descriptor, SAME, wanted.gid)
        })
      }
      fchmodSync(descriptor, wanted.mode)
      return hasOwner(fstatSync(descriptor), wanted)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return false
  }
}

function isDone(step: () => void): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}

/** What `--owner` could not do. */
export function ownerWarnings(restored: Pick<RestoredFiles, 'ownerUnknown' | 'notOwned'> | null): Warning[] {
  const { ownerUnknown, notOwned } = restored ?? { ownerUnknown: 0, notOwned: 0 }
  const warnings: Warning[] = []
  if (ownerUnknown > 0) {
    const message = `The archive does not have the owner and mode of ${files(ownerUnknown)}: they were backed up on Windows or by an earlier version. They belong to the account that restores them.`
    warnings.push({ code: 'owner-unknown', message })
  }
  if (notOwned > 0) {
    const message = `${files(notOwned)} could not get their owner, group and mode back. Their content is complete. Run the restore again as root, with --owner and --overwrite, on a file system that has owners.`
    warnings.push({ code: 'owner-not-set', message })
  }
  return warnings
}

const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`)
