/**
 * The archive's bytes once more, as they were made, for a destination that lacks them while others hold them already.
 * What was decided then stands in the catalog's files: a line of the manifest for each line of the plan that is through,
 * a directory record for each entry. Beyond them the entry under way is made from its source.
 */
import { BackupError } from '../../pipeline/contract/errors.ts'
import { readJsonLinesAt } from '../../pipeline/files/spill-file.ts'
import { FIRST_FILE_BYTES } from '../plan/plan-file.ts'
import { readPlan } from '../plan/plan-reader.ts'
import type { WalkItem } from '../plan/walk.ts'
import { readRecords } from './directory-reader.ts'
import { directoryBytes, dumpEntry, folderEntry, largeFileEntry, manifestEntry } from './entries.ts'
import { catalogFiles } from './catalog.ts'
import type { ArchiveInput, ManifestStart } from './make-archive.ts'
import { EntryChanged, type EntryBytes } from './overlap.ts'
import type { ArchivePlace } from './place.ts'
import { FILES_FOLDER } from '../plan/file-name.ts'
import { prepareFiles } from './prepare-files.ts'
import { FileLeftOut, timeOf } from './read-file.ts'

/** Less than when the archive is made: this goes on beside that. */
const REMAKE_AHEAD = 2

export interface RemakeInput extends Omit<ArchiveInput, 'heads' | 'onLeftOut' | 'reporter'> {
  /** The run's folder. */
  readonly folder: string
  /** The newest place that is durable: the catalog's files are read so far. */
  readonly known: ArchivePlace
  /** Null when the manifest was not begun yet. */
  readonly head: ManifestStart | null
}

/** What became of a line of the plan. */
interface Decided {
  readonly size?: number
  readonly mtime?: string
  readonly sha256?: string
  readonly skipped?: string
}

/** The bytes from `from` on, as far as they can be made again; throws E_SOURCE where they cannot. */
export async function* remakeArchive(input: RemakeInput, from: ArchivePlace): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces(input, from)
  } catch (error) {
    if (error instanceof EntryChanged || error instanceof FileLeftOut) throw cannotRemake()
    throw error
  }
}

async function* pieces(input: RemakeInput, from: ArchivePlace): AsyncGenerator<Uint8Array> {
  const { dump, compression, known, head } = input
  const spills = catalogFiles(input.folder)
  const starts = new EntryStarts(spills.directory, from, known)
  let { phase, large } = from
  try {
    if (phase === 'dump') {
      if (dump !== null) {
        await starts.expect(large?.start ?? starts.offset)
        yield* starts.countBytes(dumpEntry(dump, compression, large))
      }
      large = null
      phase = 'files'
    }
    if (phase === 'files') {
      const behindDump = from.phase === 'dump' && dump !== null
      yield* files(input, { ...from, large }, starts, behindDump ? 1 : 0)
      large = null
      phase = 'manifest'
    }
    // A manifest that is known before its turn is one that was begun, and lost with what was not durable.
    if (head === null || (known.phase !== 'manifest' && known.phase !== 'directory')) return
    if (phase === 'manifest') {
      const source = { ...head, file: spills.manifest, bytes: known.manifest }
      await starts.expect(large?.start ?? starts.offset)
      yield* starts.countBytes(manifestEntry(source, compression, large))
      large = null
    }
    if (known.phase !== 'directory') return
    const source = {
      file: spills.directory,
      bytes: known.directory,
      entries: known.entries,
      offset: large?.start ?? starts.offset,
    }
    yield* starts.countBytes(directoryBytes(source, large))
  } finally {
    await starts.close()
  }
}

async function* files(
  input: RemakeInput,
  { plan, manifest, large }: ArchivePlace,
  starts: EntryStarts,
  skipLines: number,
): AsyncGenerator<Uint8Array> {
  const { root, compression } = input
  const decided = decisions(input, { plan, manifest, skipLines })
  const options = { root, compression, ahead: REMAKE_AHEAD }
  let within = large
  yield* starts.folder(input.startedAt, false)
  for await (const { one, from } of eachOf(prepareFiles(decided, options))) {
    const { line } = from
    if (line?.skipped !== undefined) continue
    if (one.kind === 'left-out') {
      // What is not decided yet may be left out.
      if (line === null) return
      throw cannotRemake()
    }
    yield* starts.folder(input.startedAt, one.kind === 'large' || one.size > FIRST_FILE_BYTES)
    await starts.expect(within?.start ?? starts.offset)
    if (one.kind === 'whole') {
      if (within !== null) throw cannotRemake()
      mustBeAsMade(JSON.parse(one.line.toString()) as Decided, line)
      yield starts.count(one.entry)
      one.release()
    } else {
      const entry = largeFileEntry(one.file, options, within, ({ state }) => {
        mustBeAsMade({ size: state.size, mtime: timeOf(state).toISOString() }, line)
      })
      mustBeAsMade((yield* starts.countBytes(entry)).line, line)
    }
    within = null
    // What comes after the entry under way is not decided yet.
    if (line === null) return
  }
}

/** Lines of the plan with what became of them; the last may be without. `skipLines`: of the manifest, for the dump. */
async function* decisions(
  { plan, folder, known }: RemakeInput,
  from: { readonly plan: number; readonly manifest: number; readonly skipLines: number },
): AsyncGenerator<{ readonly item: WalkItem; readonly line: Decided | null }> {
  const { manifest } = catalogFiles(folder)
  // Nothing to be read: the file need not be there yet.
  const lines = from.manifest < known.manifest ? readJsonLinesAt(manifest, from.manifest, known.manifest) : nothing()
  try {
    for (let skipped = 0; skipped < from.skipLines; skipped += 1) await lines.next()
    for await (const { item } of readPlan(plan, from.plan)) {
      const next = await lines.next()
      if (next.done === true) {
        yield { item, line: null }
        return
      }
      const line = next.value.value as Decided
      yield { item: asMade(item, line), line }
    }
  } finally {
    await lines.return(undefined)
  }
}

async function* eachOf<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch
}

async function* nothing(): ReturnType<typeof readJsonLinesAt> {}

/** A file that was left out is not read. */
function asMade(item: WalkItem, line: Decided): WalkItem {
  if ('leftOut' in item || line.skipped === undefined) return item
  return { leftOut: { path: item.path, reason: line.skipped } }
}

/** Its time too: that stands in the local record. */
function mustBeAsMade(now: Decided, line: Decided | null): void {
  for (const what of ['size', 'mtime', 'sha256'] as const) {
    if (line !== null && now[what] !== undefined && now[what] !== line[what]) throw cannotRemake()
  }
}

/** Follows the bytes that are made, and holds where entries begin against the directory. */
class EntryStarts {
  /** In the archive. */
  offset: number
  readonly #records: AsyncGenerator<{ readonly start: number; readonly name: string }>
  #next: { readonly start: number; readonly name: string } | null | undefined

  constructor(file: string, from: ArchivePlace, known: ArchivePlace) {
    this.offset = from.offset
    this.#records = readRecords(file, from.directory, known.directory)
  }

  /** The next entry begins at `start`. Where its record says otherwise, there are dead bytes before it. */
  async expect(start: number): Promise<void> {
    const record = await this.#peek()
    this.#next = undefined
    if (record !== null && record.start !== start) throw cannotRemake()
  }

  /** The folder's entry, when the archive begins with it. `isNeeded`: whether it does, when nothing is known of it. */
  async *folder(mtime: Date, isNeeded: boolean): AsyncGenerator<Uint8Array> {
    if (this.offset !== 0) return
    const first = await this.#peek()
    if (first === null ? !isNeeded : first.name !== `${FILES_FOLDER}/`) return
    await this.expect(0)
    yield this.count((await folderEntry(mtime)).data)
  }

  count(chunk: Uint8Array): Uint8Array {
    this.offset += chunk.length
    return chunk
  }

  async *countBytes<R>(bytes: EntryBytes<R>): AsyncGenerator<Uint8Array, R> {
    try {
      for (;;) {
        const next = await bytes.next()
        if (next.done === true) return next.value
        if (next.value instanceof Uint8Array) yield this.count(next.value)
      }
    } finally {
      await bytes.return(undefined as never)
    }
  }

  async close(): Promise<void> {
    await this.#records.return(undefined)
  }

  async #peek(): Promise<{ readonly start: number; readonly name: string } | null> {
    if (this.#next === undefined) {
      const next = await this.#records.next()
      this.#next = next.done === true ? null : next.value
    }
    return this.#next
  }
}

const cannotRemake = (): BackupError =>
  new BackupError('E_SOURCE', 'Files that are in the archive have changed since.', {
    advice: 'The next run makes a new backup.',
  })
