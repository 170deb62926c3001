import type { Beginning, Mark, Source } from '../../pipeline/source.ts'
import type { LeftOut } from '../plan/types.ts'
import type { ProgressReporter } from '../../pipeline/progress.ts'
import type { FileOptions, SpooledDump } from './entries.ts'
import { Ledger } from './ledger.ts'
import { ArchiveMaker, type ManifestStart } from './make-archive.ts'
import type { Begun } from './overlap.ts'
import { placeOf, type ArchivePlace } from './place.ts'
import { remakeArchive } from './remake-archive.ts'

/** What is there before the archive begins. */
export interface Prepared {
  /** Null: files only. */
  readonly dump: SpooledDump | null
  /** Path of the plan's file. */
  readonly plan: string
}

export interface ArchiveSourceInput extends FileOptions {
  /** The run's folder. */
  readonly folder: string
  readonly startedAt: Date
  /** Makes the dump and the plan, or finds those of an earlier process. Asked for often; does it once. */
  readonly prepare: () => Promise<Prepared>
  readonly manifest: {
    /** The one that `make` gave last, in whatever process; null when there is none yet. */
    readonly made: () => ManifestStart | null
    readonly make: (counts: ArchiveCounts) => ManifestStart
  }
  readonly onLeftOut: (left: LeftOut) => void
  readonly reporter: ProgressReporter
}

/** What is in the archive so far. */
export type ArchiveCounts = Pick<ArchivePlace, 'files' | 'fileBytes' | 'skipped' | 'dead' | 'dicom'>

/** A backup's archive as the engine's source: made once, gone on with after an interruption, made again for who lacks it. */
export class ArchiveSource implements Source {
  readonly #input: ArchiveSourceInput
  #ledger: Ledger | null = null
  #told: Mark | null
  #synced: Mark | null

  /** `known`: the newest mark of an earlier process; null when there was none. */
  constructor(input: ArchiveSourceInput, known: Mark | null) {
    this.#input = input
    this.#told = this.#synced = known
  }

  counts(): ArchiveCounts {
    return this.#ledger ?? placeOf(this.#synced)
  }

  async *make({ mark, end, between }: Beginning): AsyncGenerator<Uint8Array | Mark> {
    const { folder, manifest, reporter } = this.#input
    const prepared = await this.#input.prepare()
    const place = placeOf(mark)
    this.#ledger = await Ledger.open(folder, place)
    const dumped = place.phase === 'dump' ? (place.large?.read ?? 0) : (prepared.dump?.bytes ?? 0)
    const { files, fileBytes, skipped } = place
    reporter.startedAt({ filesDone: files + skipped, filesSkipped: skipped, bytesDone: fileBytes + dumped })
    const { phase, plan, large, offset } = place
    const begun: Begun | null = large !== null || end > offset ? { large, end, between } : null
    // A head that was made and did not come into the archive, or is dead in it, may tell of other files by now.
    const head = (isBegun: boolean): ManifestStart => (isBegun ? manifest.made() : null) ?? manifest.make(this.counts())
    const input = { ...this.#input, ...prepared, manifest: head }
    for await (const chunk of new ArchiveMaker(input, this.#ledger, { phase, plan, begun }).bytes()) {
      if (!(chunk instanceof Uint8Array)) this.#told = chunk
      yield chunk
    }
  }

  async sync(): Promise<void> {
    const told = this.#told
    await this.#ledger?.sync()
    this.#synced = told
  }

  async *remake(from: Mark | null): AsyncGenerator<Uint8Array> {
    const known = placeOf(this.#synced)
    const prepared = await this.#input.prepare()
    const manifest = this.#input.manifest.made()
    yield* remakeArchive({ ...this.#input, ...prepared, known, manifest }, placeOf(from))
  }

  async close(): Promise<void> {
    await this.#ledger?.close()
  }
}
