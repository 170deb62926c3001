import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'

const left: string[] = []

/** A new folder, removed after the test; on Windows, where a file that is open cannot be, after the last one of the file. */
export async function tempFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
  if (process.platform === 'win32') left.push(folder)
  else t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

process.once('exit', () => {
  for (const folder of left) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 2 })
    } catch {
      // prepare.ts removes it when it is a day old.
    }
  }
})
