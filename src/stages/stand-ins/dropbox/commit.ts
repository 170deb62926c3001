import type { Account } from './account.ts'
import type { CommitArgument } from './arguments.ts'
import { refuse } from './errors.ts'
import type { Session } from './sessions.ts'
import { nameOf, timestamp } from './tree.ts'
import type { FileEntry } from './tree.ts'

/**
 * Makes a session's bytes a file. What stands in its way refuses the call below `path`, and the session stays as it is,
 * so that a finish with another path or more room can follow.
 */
export async function commit(
  account: Account,
  session: Session,
  bytes: number,
  contentHash: string,
  argument: CommitArgument,
): Promise<FileEntry> {
  const { tree } = account
  let path = tree.writable(argument.path, 'path')
  const there = tree.find(path)
  const mode = argument.mode['.tag']
  if (
    there?.kind === 'file' &&
    there.contentHash === contentHash &&
    there.bytes === bytes &&
    !argument.strict_conflict
  ) {
    session.finished = true
    await session.blob.remove()
    return there
  }
  const stale = argument.mode['.tag'] === 'update' && (there?.kind !== 'file' || there.rev !== argument.mode.update)
  if (there?.kind === 'folder' && !argument.autorename) throw refuse('path', 'conflict', 'folder')
  const taken = there?.kind === 'folder' || (mode === 'add' ? there !== null : mode === 'update' && stale)
  if (taken && !argument.autorename) throw refuse('path', 'conflict', 'file')
  if (taken) path = mode === 'update' ? tree.freeName(path, conflicted) : tree.freeName(path)
  const replaced = taken ? null : there
  const freed = replaced?.kind === 'file' ? replaced.bytes : 0
  if (account.quotaBytes !== null && tree.usedBytes() - freed + bytes > account.quotaBytes)
    throw refuse('path', 'insufficient_space')
  session.finished = true
  await session.blob.seal(bytes, nameOf(path))
  const serverModified = timestamp(account.clock())
  const clientModified = argument.client_modified ?? serverModified
  const file = tree.put(path, { bytes, contentHash, clientModified, serverModified, blob: session.blob })
  if (replaced?.kind === 'file') await replaced.blob.remove()
  return file
}

const conflicted = (n: number): string => (n === 2 ? ' (conflicted copy)' : ` (conflicted copy ${n - 1})`)
