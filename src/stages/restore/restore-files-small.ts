/**
 * Small files are written without a thread in between: a call costs the system 5 to 20 µs, handing it to a thread and
 * hearing back costs 20 to 40 µs more, six times a file. Measured with 20,000 files of 4 KB, see docs/benchmarks.md.
 */
import { closeSync, futimesSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'

/** Files up to this size, in bytes, are small. */
export const SMALL_BYTES = 64 * 1024

/** Where a file takes longer than this, ms, the disk is behind a network, and several at once are faster. */
const SLOW_MS = 2
/** After a slow one so many go by threads, before it is tried again. */
const THEN_BY_THREADS = 64

export interface SmallFile {
  readonly temporary: string
  readonly final: string
  readonly bytes: Uint8Array
  readonly mode: number
  readonly mtimeMs: number
}

export class SmallFiles {
  /** How many were written: nothing of them was flushed to the disk. */
  written = 0
  #byThreads = 0

  /** Writes a file under its temporary name and then renames it. Rejects with the system's error; then it is not there. */
  async write(file: SmallFile): Promise<void> {
    this.written += 1
    if (this.#byThreads > 0) {
      this.#byThreads -= 1
      await writeByThreads(file)
      return
    }
    const begun = performance.now()
    writeAtOnce(file)
    if (performance.now() - begun > SLOW_MS) this.#byThreads = THEN_BY_THREADS
  }
}

function writeAtOnce({ temporary, final, bytes, mode, mtimeMs }: SmallFile): void {
  const handle = openSync(temporary, 'wx', mode)
  try {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at)
      futimesSync(handle, mtimeMs / 1000, mtimeMs / 1000)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, final)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

async function writeByThreads({ temporary, final, bytes, mode, mtimeMs }: SmallFile): Promise<void> {
  const handle = await open(temporary, 'wx', mode)
  try {
    try {
      await handle.writeFile(bytes)
      await handle.utimes(mtimeMs / 1000, mtimeMs / 1000)
    } finally {
      await handle.close()
    }
    await rename(temporary, final)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
