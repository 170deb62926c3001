import { spawn } from 'node:child_process'
import { open, type FileHandle } from 'node:fs/promises'
import pLimit from 'p-limit'
import { systemCode } from '../../../pipeline/contract/errors.ts'

/** Of so few files each is flushed by itself: others may have written much to the same file system. */
const FEW = 8

/**
 * Makes what was written into files below `folder` durable: by one flush of its file system where Linux has a program
 * for it (`sync -f` of coreutils and busybox), for a flush of each small file costs more than to write it. Else, or when
 * that fails, one by one. On Windows they were flushed when they were written (restore-files-program.ts): opened again
 * they may be in use, by a virus scanner that looks at what is new. Rejects with the system's error.
 */
export async function flush(folder: string, files: readonly string[]): Promise<void> {
  if (process.platform === 'win32') return
  if (process.platform === 'linux' && files.length > FEW && (await flushFileSystem(folder))) return
  const limit = pLimit(4)
  // All are let go of before one that failed is reported: they are removed then.
  const ends = await Promise.allSettled(files.map((file) => limit(flushFile, file)))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** False: it could not be done. */
function flushFileSystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const program = spawn('sync', ['-f', '.'], { cwd: folder, stdio: 'ignore' })
    program.once('error', () => {
      resolve(false)
    })
    program.once('close', (code) => {
      resolve(code === 0)
    })
  })
}

async function flushFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await flushOpen(handle)
  } finally {
    await handle.close()
  }
}

/** Makes a file's content durable, where its file system can do that at all. Rejects with the system's error. */
export async function flushOpen(handle: FileHandle): Promise<void> {
  try {
    await handle.datasync()
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(systemCode(error))) throw error
  }
}
