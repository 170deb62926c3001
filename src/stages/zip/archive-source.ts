import type { Beginning, Mark, Source } from '../../pipeline/contract/source.ts'
import { countsAt } from './checkpoint.ts'
import { Catalog } from './catalog.ts'
import { ArchiveMaker, type ArchiveInput } from './make-archive.ts'
import type { Begun } from './overlap.ts'
import { placeOf, type ArchiveCounts } from './place.ts'
import { remakeArchive } from './remake-archive.ts'

export interface ArchiveSourceInput extends ArchiveInput {
  /** The run's folder. */
  readonly folder: string
}

/**
 * A backup's archive as the engine's source, once its dump and its plan are there: made once, resumed after an
 * interruption, made again for a destination that is missing bytes.
 */
export class ArchiveSource implements Source {
  readonly #input: ArchiveSourceInput
  #catalog: Catalog | null = null
  #reported: Mark | null
  #synced: Mark | null

  /** `known`: the newest mark of an earlier process; null when there was none. */
  constructor(input: ArchiveSourceInput, known: Mark | null) {
    this.#input = input
    this.#reported = this.#synced = known
  }

  counts(): ArchiveCounts {
    return this.#catalog ?? countsAt(this.#synced)
  }

  async *make({ mark, end, between }: Beginning): AsyncGenerator<Uint8Array | Mark> {
    const { folder, dump, reporter } = this.#input
    const place = placeOf(mark)
    this.#catalog = await Catalog.open(folder, place)
    const dumped = place.phase === 'dump' ? (place.large?.read ?? 0) : (dump?.bytes ?? 0)
    const { files, fileBytes, skipped } = place
    reporter.startedAt({ filesDone: files + skipped, filesSkipped: skipped, bytesDone: fileBytes + dumped })
    const { phase, plan, large, offset } = place
    const begun: Begun | null = large !== null || end > offset ? { large, end, between } : null
    for await (const chunk of new ArchiveMaker(this.#input, this.#catalog, { phase, plan, begun }).bytes()) {
      if (!(chunk instanceof Uint8Array)) this.#reported = chunk
      yield chunk
    }
  }

  async sync(): Promise<void> {
    const reported = this.#reported
    await this.#catalog?.sync()
    this.#synced = reported
  }

  async *remake(from: Mark | null): AsyncGenerator<Uint8Array> {
    const known = placeOf(this.#synced)
    yield* remakeArchive({ ...this.#input, known, head: this.#input.heads.last }, placeOf(from))
  }

  async close(): Promise<void> {
    await this.#catalog?.close()
  }
}
