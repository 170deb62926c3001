import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { aheadInOrder } from '../../pipeline/ahead.ts'

const FLUSHES = { concurrency: 4, items: 64, budget: 64, weight: (): number => 1 }

/**
 * Makes files durable: the file system of `folder` as a whole, where the system has a program for it (`sync -f` of
 * coreutils and busybox), as one flush a file costs more than writing it. Else, or when that fails, `files` one by one.
 * Rejects with the system's error.
 */
export async function flush(folder: string, files: AsyncIterable<string>): Promise<void> {
  if (process.platform !== 'win32' && (await syncFileSystem(folder))) return
  for await (const _ of aheadInOrder(files, flushFile, FLUSHES));
}

/** False: it could not be done. */
async function syncFileSystem(folder: string): Promise<boolean> {
  return await new Promise((resolve) => {
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
  // For writing: Windows flushes nothing that was opened to be read.
  const handle = await open(file, 'r+')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}
