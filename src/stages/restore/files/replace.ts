/**
 * Gives a whole file its own name, over one that may be there. On Windows that fails while another program has that one
 * open, and when it is read-only: it is waited for a moment, and made writable.
 */
import { chmodSync, lstatSync, type Stats } from 'node:fs'
import { chmod, lstat, rm } from 'node:fs/promises'
import { isInUse, renameOver, renameOverSync, whenFree, type WaitOptions } from '../../../pipeline/files/rename.ts'

/** A file that is open is waited for so long, and all of a restore's no longer than this: a viewer may have thousands. ms. */
const ONE_MS = 1000
const ALL_MS = 15_000

let waitedMs = 0

/** Rejects with the system's error. `platform` is this one, but for tests. */
export async function replaceFile(temporary: string, final: string, platform = process.platform): Promise<void> {
  const now: WaitOptions = { platform, forMs: 0 }
  try {
    await renameOver(temporary, final, now)
  } catch (error) {
    if (!isInUse(error, platform)) throw error
    const found = await lstat(final).catch(() => null)
    mustBeFile(found)
    if (isReadOnly(found)) await whenFree(() => chmod(final, 0o666), now)
    const since = performance.now()
    try {
      await renameOver(temporary, final, { platform, forMs: patience() })
    } finally {
      waitedMs += performance.now() - since
    }
  }
}

/** Like `replaceFile`; blocks its thread while it waits. */
export function replaceFileSync(temporary: string, final: string, platform = process.platform): void {
  const now: WaitOptions = { platform, forMs: 0 }
  try {
    renameOverSync(temporary, final, now)
  } catch (error) {
    if (!isInUse(error, platform)) throw error
    const found = lstatSync(final, { throwIfNoEntry: false }) ?? null
    mustBeFile(found)
    if (isReadOnly(found)) chmodSync(final, 0o666)
    const since = performance.now()
    try {
      renameOverSync(temporary, final, { platform, forMs: patience() })
    } finally {
      waitedMs += performance.now() - since
    }
  }
}

/** Removes a file of ours that is of no use. Never rejects: what stays has a name that the next restore removes. */
export async function discard(temporary: string): Promise<void> {
  await whenFree(() => rm(temporary, { force: true }), { forMs: ONE_MS }).catch(() => undefined)
}

const patience = (): number => Math.min(ONE_MS, Math.max(0, ALL_MS - waitedMs))

/** The attribute of Windows shows as a mode without write permission. */
const isReadOnly = (found: Stats | null): boolean => found !== null && (found.mode & 0o200) === 0

/** Throws EISDIR for a folder, which Windows does not tell from a file that is open. */
function mustBeFile(found: Stats | null): void {
  if (found?.isDirectory() !== true) return
  throw Object.assign(new Error('EISDIR: a folder is in the place of the file'), { code: 'EISDIR' })
}
