/**
 * Small files on their way out of the archive: their data are collected as they are, and inflated, proved and written
 * in threads beside the main one, many at a time.
 */
import path from 'node:path'
import { HelperThreads, programBeside } from '../../../pipeline/threads/helper-threads.ts'
import { DamagedEntry, type ArchiveEntry } from '../../archive/archive-entry.ts'
import { WHOLE_FILE_BYTES } from '../../zip/read-file.ts'
import { BatchBuffers } from '../../zip/batch-buffers.ts'
import { NotRestored } from './errors.ts'
import { FinalNames } from './names.ts'
import { modeOf, WRONG_HASH } from './one.ts'
import type { PlannedFile } from './plan.ts'
import type { Outcome, WriteRequest } from './program.ts'
import { temporaryName, type RestoreTarget } from './target.ts'

/** So much goes to a thread at once: little enough to spread, much enough for messages not to count. */
const BATCH = { files: 256, packed: 1024 * 1024, size: 4 * 1024 * 1024 }
/** From a slow source no file waits longer than this for the next. */
const OLDEST_MS = 100

/** Whether a file is small enough to be held, as it is in the archive and as it will be. */
export const isSmall = ({ packed, size }: ArchiveEntry): boolean => Math.max(packed, size) <= WHOLE_FILE_BYTES

export interface WholeFilesOptions {
  /** Of the archive, for errors. */
  readonly name: string
  readonly target: RestoreTarget
  /** Called for each file once: with null when it has its own name, else with why nothing of it is there. */
  readonly onEnd: (file: PlannedFile, error: Error | null) => void
  /** Called for each file that has its own name, but not its owner. */
  readonly onNotOwned: () => void
}

interface Collected {
  readonly planned: PlannedFile
  readonly file: WriteRequest['files'][number]
}

type Write = (files: readonly Collected[], batchBuffer: Uint8Array) => Promise<void>

const threads = new HelperThreads(programBeside(import.meta, './program'))

/** All small files of one restore. */
export class WholeFiles {
  readonly #options: WholeFilesOptions
  readonly #names: FinalNames
  readonly #batchBuffers = new BatchBuffers()

  constructor(options: WholeFilesOptions) {
    this.#options = options
    this.#names = new FinalNames(options.target.folder, threads)
    threads.come()
  }

  /** A batch that is filled again and again; one for each range that is read. */
  batches(): WholeBatches {
    return new WholeBatches(
      (files, batchBuffer) => this.#write(files, batchBuffer),
      this.#options.target,
      this.#batchBuffers,
    )
  }

  /** Resolves when all files that were written have their own names. Rejects with the system's error. */
  async end(): Promise<void> {
    await this.#names.end()
  }

  /** Leaves the threads, for when nothing is being written any more. */
  close(): void {
    threads.leave()
  }

  async #write(files: readonly Collected[], batchBuffer: Uint8Array): Promise<void> {
    const request: WriteRequest = { batchBuffer, files: files.map(({ file }) => file) }
    const outcomes = await threads.ask<Outcome[]>(request)
    for (const [n, { planned, file }] of files.entries()) {
      const settled = (outcome: Error | Outcome): void => {
        this.#options.onEnd(planned, this.#errorOf(planned, outcome))
      }
      const outcome = outcomes[n] ?? null
      if (outcome !== null) {
        settled(outcome)
        continue
      }
      const { folders } = this.#options.target
      const { temporary, size: bytes } = file
      const final = path.join(path.dirname(temporary), planned.parts.at(-1) ?? '')
      // It was made before, and may have been flushed and forgotten meanwhile, without this name in it.
      const prepare = (): Promise<unknown> => folders.make(planned.parts.slice(0, -1))
      await this.#names.add({ temporary, final, bytes, owner: planned.owner, prepare, settled })
    }
  }

  #errorOf({ entry }: PlannedFile, outcome: Error | Outcome): Error | null {
    if (outcome === null || outcome instanceof Error) return outcome
    switch (outcome.is) {
      case 'not-owned':
        this.#options.onNotOwned()
        return null
      case 'bad':
        return new DamagedEntry(this.#options.name, entry, outcome.reason)
      case 'other':
        return new NotRestored(WRONG_HASH)
      case 'failed':
        return Object.assign(new Error(outcome.message), { code: outcome.code, syscall: outcome.syscall })
    }
  }
}

/** Collects small files' data, and has one batch written while it collects the next. */
export class WholeBatches {
  readonly #write: Write
  readonly #target: RestoreTarget
  readonly #batchBuffers: BatchBuffers
  #batchBuffer: Uint8Array | null = null
  #files: Collected[] = []
  #filled = 0
  #size = 0
  #since = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(write: Write, target: RestoreTarget, batchBuffers: BatchBuffers) {
    this.#write = write
    this.#target = target
    this.#batchBuffers = batchBuffers
  }

  /**
   * Takes a file's data over. Rejects as the data do, or with NotRestored or the system's error when its folder cannot be
   * there: then nothing is taken.
   */
  async add(planned: PlannedFile, data: AsyncIterable<Uint8Array>): Promise<void> {
    const { entry, sha256, mtimeMs } = planned
    const { packed, method, size, crc } = entry
    const folder = await this.#target.folders.make(planned.parts.slice(0, -1))
    if (this.#filled + packed > WHOLE_FILE_BYTES) await this.#flush()
    const batchBuffer = (this.#batchBuffer ??= this.#batchBuffers.take())
    const at = this.#filled
    let end = at
    for await (const piece of data) {
      batchBuffer.set(piece, end)
      end += piece.length
    }
    const temporary = path.join(folder, temporaryName())
    const file = { at, packed, method, size, crc, sha256, temporary, mode: modeOf(planned), mtimeMs }
    if (this.#files.push({ planned, file }) === 1) this.#since = performance.now()
    this.#filled = end
    this.#size += size
    const { files, packed: most, size: mostSize } = BATCH
    const isFull = this.#files.length >= files || this.#filled >= most || this.#size >= mostSize
    if (isFull || performance.now() - this.#since > OLDEST_MS) await this.#flush()
  }

  /** Resolves when all that was taken is written; it may not have its own name yet. Rejects with the system's error. */
  async end(): Promise<void> {
    await this.#flush()
    await this.#writing
  }

  async #flush(): Promise<void> {
    await this.#writing
    const [files, batchBuffer] = [this.#files, this.#batchBuffer]
    if (batchBuffer === null) return
    this.#files = []
    this.#batchBuffer = null
    this.#filled = 0
    this.#size = 0
    this.#writing = this.#write(files, batchBuffer).finally(() => {
      this.#batchBuffers.recycle(batchBuffer)
    })
    this.#writing.catch(() => undefined)
  }
}
