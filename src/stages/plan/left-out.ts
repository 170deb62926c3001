/**
 * Why something is not in the archive, in words for people; the reasons that the walk and the readers of files share.
 */
import type { Dirent } from 'node:fs'
import { systemCode } from '../../pipeline/contract/errors.ts'

/** Links are not followed: what they lead to may lie outside of the archive folder, or be in the archive twice. */
const SYMBOLIC_LINK = 'a symbolic link'
/** The state folder, the log, or the folder of a local destination: archives would contain themselves. */
export const OWN_FILES = 'files of the backup program itself'
/** The file was rewritten, or is another kind of thing by now. */
export const CHANGED = 'changed while it was read'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no longer there',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EBUSY: 'in use by another program',
  EIO: 'the disk reported a read error',
  ENAMETOOLONG: 'its path is too long',
  ESTALE: 'the network folder was lost',
  ENOTDIR: CHANGED,
  ELOOP: SYMBOLIC_LINK,
}

/** The reason for a failed open, read or stat. Never contains the path. */
export function reasonOf(error: unknown): string {
  const code = systemCode(error)
  return REASONS[code] ?? `cannot be read${code === '' ? '' : ` (${code})`}`
}

/** The reason for what is neither a file nor a folder. */
export function kindOf(entry: Pick<Dirent, 'isSymbolicLink' | 'isFIFO' | 'isSocket'>): string {
  if (entry.isSymbolicLink()) return SYMBOLIC_LINK
  if (entry.isFIFO()) return 'a named pipe'
  return entry.isSocket() ? 'a socket' : 'a device'
}
