/**
 * The archive's bytes, made for the first time: the database dump, the files in the order of the plan, the manifest, the
 * central directory. It can begin at any place of an earlier process; nothing before that is read again. A file that
 * cannot be read in one state is reported in the manifest; when a part of it has gone out already, those bytes stay in the
 * archive as dead bytes that no directory record names, which every ZIP reader passes over.
 */
import type { ProgressReporter } from '../../pipeline/contract/progress.ts'
import type { Mark } from '../../pipeline/contract/source.ts'
import { deviceOf, mustBeOn } from '../plan/archive-folder.ts'
import { FIRST_FILE_BYTES } from '../plan/plan-file.ts'
import { readPlan } from '../plan/plan-reader.ts'
import type { LeftOut, PlannedFile } from '../plan/types.ts'
import {
  directoryBytes,
  dumpEntry,
  folderEntry,
  largeFileEntry,
  manifestEntry,
  type FileOptions,
  type SpooledDump,
} from './entries.ts'
import { filesTogether, type WholeItem } from './files-together.ts'
import type { Catalog } from './catalog.ts'
import { manifestLine } from './manifest.ts'
import { mapYields } from './mapped.ts'
import { goOn, type Begun, type EntryBytes } from './overlap.ts'
import { toMark, type ArchiveCounts, type LargePlace, type Phase } from './place.ts'
import { entryPath } from '../plan/file-name.ts'
import { leftOut, type LeftOutFile, type PreparedFile } from './prepare-file.ts'
import { MAKE_AHEAD, prepareFiles } from './prepare-files.ts'
import { FileLeftOut } from './read-file.ts'

/** The manifest's first line, as it is written, and when. */
export interface ManifestStart {
  readonly head: string
  readonly mtime: Date
}

/** Where the manifest's first line is kept, so that every process writes the same one. */
export interface ManifestHeads {
  /** The one that was made last, by whatever process; null when none was. */
  readonly last: ManifestStart | null
  /** Makes one for an archive that has this, and keeps it. */
  make(counts: ArchiveCounts): ManifestStart
}

/** What an archive is made of. */
export interface ArchiveInput extends FileOptions {
  /** Null: files only. */
  readonly dump: SpooledDump | null
  /** Path of the plan's file. */
  readonly plan: string
  /** The time of the folder's entry, should there be one. */
  readonly startedAt: Date
  readonly heads: ManifestHeads
  readonly onLeftOut: (left: LeftOut) => void
  readonly reporter: ProgressReporter
}

/** An entry that is out. */
interface Placed<R> {
  readonly start: number
  readonly result: R
}

/** Where an archive is gone on from. */
export interface MakeFrom {
  readonly phase: Phase
  /** Position in the plan's file. */
  readonly plan: number
  /** Null: between two entries. */
  readonly begun: Begun | null
}

/**
 * Makes the archive from a place on. The catalog is as it was there, and follows. The bytes reject with E_SOURCE when the
 * archive folder goes away, with E_QUOTA or E_STATE when files of the run's folder cannot be used.
 */
export class ArchiveMaker {
  readonly #input: ArchiveInput
  readonly #catalog: Catalog
  #phase: Phase
  #plan: number
  /** Until the first entry is through. */
  #begun: Begun | null
  /** Bytes of the dump that are reported as done. */
  #dumpDone: number

  constructor(input: ArchiveInput, catalog: Catalog, from: MakeFrom) {
    this.#input = input
    this.#catalog = catalog
    this.#phase = from.phase
    this.#plan = from.plan
    this.#begun = from.begun
    this.#dumpDone = from.begun?.large?.read ?? 0
  }

  /** The bytes from there on with, in between, the places. A chunk is valid until the next is asked for. */
  async *bytes(): AsyncGenerator<Uint8Array | Mark> {
    const { dump, root, compression, reporter } = this.#input
    const device = await deviceOf(root)
    reporter.enter('archiving')
    if (this.#phase === 'dump') {
      if (dump !== null) {
        const { start, result } = yield* this.#entry((from) => this.#countBytes(dumpEntry(dump, compression, from)))
        await this.#catalog.addEntry(result.record, start, result.line)
      }
      yield this.#next('files')
    }
    if (this.#phase === 'files') {
      yield* this.#files(device)
      await mustBeOn(device, root)
      yield this.#next('manifest')
    }
    reporter.enter('finishing')
    await this.#catalog.check()
    if (this.#phase === 'manifest') {
      yield* this.#manifest()
      yield this.#next('directory')
    }
    const { directory, entries } = this.#catalog
    await directory.flush()
    // Records at another place than those that were begun there are the same records.
    const source = (): { file: string; bytes: number; entries: number; offset: number } => ({
      file: directory.path,
      bytes: directory.bytes,
      entries,
      offset: this.#begun?.large?.start ?? this.#catalog.offset,
    })
    yield* this.#entry((from) => directoryBytes(source(), from))
  }

  async *#files(device: bigint): AsyncGenerator<Uint8Array | Mark> {
    const { root, compression, plan } = this.#input
    const batches = prepareFiles(readPlan(plan, this.#plan), { root, compression, ahead: MAKE_AHEAD })
    for await (const batch of batches) {
      for (let n = 0; n < batch.length;) {
        const run = this.#begun === null ? filesTogether(batch.slice(n), this.#catalog.offset) : []
        if (run.length > 0) {
          yield* this.#wholeFiles(run)
          n += run.length
        } else {
          const item = batch[n++]
          if (item === undefined) continue
          const failed = yield* this.#file(item.one)
          this.#begun = null
          // One file that is gone is left out; with the folder itself gone there is no backup to be made.
          if (failed?.lost === true) await mustBeOn(device, root)
          if (failed !== null) await this.#tellLeftOut(failed)
          if (failed?.lost !== false) this.#count(item.one.file)
          this.#plan = item.from.end
        }
        yield this.#mark(null)
      }
    }
  }

  async *#wholeFiles(run: readonly WholeItem[]): AsyncGenerator<Uint8Array> {
    const catalog = this.#catalog
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return
    let start = catalog.offset
    const files = run.map(({ one: { record, line, size, dicom, entry } }) => {
      const file = { record, start, line, size, dicom }
      start += entry.length
      return file
    })
    const { buffer, byteOffset } = first.one.entry
    const chunk = new Uint8Array(buffer, byteOffset, start - catalog.offset)
    catalog.offset = start
    yield chunk
    await catalog.addFiles(files)
    for (const { one } of run) {
      one.release()
      this.#count(one.file)
    }
    this.#plan = last.from.end
  }

  /** Returns null when the file is in, else why it is not. */
  async *#file(one: PreparedFile): AsyncGenerator<Uint8Array | Mark, LeftOutFile | null> {
    const catalog = this.#catalog
    if (one.kind === 'left-out') {
      this.#leaveBegun()
      return one
    }
    if (catalog.offset === 0 && (one.kind === 'large' || one.size > FIRST_FILE_BYTES)) yield* this.#folder()
    if (one.kind === 'large') return yield* this.#largeFile(one.file)
    // What was too large to be read whole is now another file: nothing of it fits what is there.
    if ((this.#begun?.large ?? null) !== null) this.#leaveBegun()
    const { entry, record, line, size, dicom } = one
    const { start } = yield* this.#entry(() => asEntry(entry))
    await catalog.addFiles([{ record, start, line, size, dicom }])
    one.release()
    return null
  }

  /** An item of the plan is through. */
  #count({ size }: PlannedFile): void {
    this.#input.reporter.fileDone(size)
  }

  #leaveBegun(): void {
    if (this.#begun === null) return
    this.#catalog.leaveDead(this.#begun.large?.start ?? this.#catalog.offset, this.#begun.end)
    this.#begun = null
  }

  async *#largeFile(file: PlannedFile): AsyncGenerator<Uint8Array | Mark, LeftOutFile | null> {
    const catalog = this.#catalog
    let start = this.#begun?.large?.start ?? catalog.offset
    let identity = ''
    try {
      const placed = yield* this.#entry(
        (from) => {
          if (from === null) start = catalog.offset
          return largeFileEntry(file, this.#input, from, (found) => {
            identity = found.identity
          })
        },
        () => identity,
      )
      const { result } = placed
      await catalog.addFiles([{ ...result, start: placed.start, line: Buffer.from(manifestLine(result.line)) }])
      return null
    } catch (error) {
      if (!(error instanceof FileLeftOut)) throw error
      catalog.leaveDead(start)
      return leftOut(file, error)
    }
  }

  /**
   * Gives out an entry: goes on with it when that is where the archive stands, else begins it, behind what is dead of
   * it.
   */
  async *#entry<R>(
    open: (from: LargePlace | null) => EntryBytes<R>,
    identity: () => string = () => '',
  ): AsyncGenerator<Uint8Array | Mark, Placed<R>> {
    const catalog = this.#catalog
    const begun = this.#begun
    if (begun !== null) {
      const start = begun.large?.start ?? catalog.offset
      const gone = yield* this.#marked(goOn(open, begun, catalog), start, identity)
      this.#begun = null
      if (gone !== null) return gone
    }
    const start = catalog.offset
    const result = yield* this.#marked(counting(open(null), catalog), start, identity)
    return { start, result }
  }

  /** The bytes with, in between, marks. */
  async *#marked<R>(bytes: EntryBytes<R>, start: number, identity: () => string): AsyncGenerator<Uint8Array | Mark, R> {
    return yield* mapYields(bytes, (chunk) =>
      chunk instanceof Uint8Array ? chunk : this.#mark({ ...chunk, start, identity: identity() }),
    )
  }

  async *#folder(): AsyncGenerator<Uint8Array | Mark> {
    const { data, record } = await folderEntry(this.#input.startedAt)
    const { start } = yield* this.#entry(() => asEntry(data))
    await this.#catalog.addEntry(record, start, null)
    yield this.#mark(null)
  }

  async *#manifest(): AsyncGenerator<Uint8Array | Mark> {
    const { manifest } = this.#catalog
    await manifest.flush()
    const { start, result } = yield* this.#entry((from) =>
      manifestEntry({ ...this.#head(), file: manifest.path, bytes: manifest.bytes }, this.#input.compression, from),
    )
    await this.#catalog.addEntry(result, start, null)
  }

  /** The one that the entry was begun with. One that did not get into the archive, or is dead in it, may be out of date. */
  #head(): ManifestStart {
    const { heads } = this.#input
    return (this.#begun === null ? null : heads.last) ?? heads.make(this.#catalog)
  }

  async #tellLeftOut({ file, reason }: LeftOutFile): Promise<void> {
    this.#input.reporter.fileSkipped()
    this.#input.onLeftOut({ path: file.path, reason })
    await this.#catalog.addSkipped({ path: entryPath(file), skipped: reason })
  }

  /** The dump's bytes count as done like those of files. */
  #countBytes<R>(bytes: EntryBytes<R>): EntryBytes<R> {
    return mapYields(bytes, (chunk) => {
      // One that has to begin again counts once.
      if (!(chunk instanceof Uint8Array) && chunk.read > this.#dumpDone) {
        this.#input.reporter.dumpDone(chunk.read - this.#dumpDone)
        this.#dumpDone = chunk.read
      }
      return chunk
    })
  }

  #mark(large: LargePlace | null): Mark {
    return toMark(this.#catalog.place(this.#phase, this.#plan, large))
  }

  #next(phase: Phase): Mark {
    this.#phase = phase
    return this.#mark(null)
  }
}

async function* asEntry(bytes: Uint8Array): EntryBytes<null> {
  yield bytes
  return await Promise.resolve(null)
}

/** The same bytes, counted into the archive. */
function counting<R>(bytes: EntryBytes<R>, catalog: Catalog): EntryBytes<R> {
  return mapYields(bytes, (chunk) => {
    if (chunk instanceof Uint8Array) catalog.offset += chunk.length
    return chunk
  })
}
