/**
 * The archive, as a stream of bytes: the database dump, the files in the order of the plan, the manifest, the central
 * directory. Nothing of it is kept in memory but what is on its way; what grows with the number of files is in the
 * ledger's files. A file that cannot be read in one state is told in the manifest; when a part of it has gone out
 * already, those bytes stay in the archive as dead bytes that no directory record names, which every ZIP reader passes
 * over.
 */
import { createHash } from 'node:crypto'
import { aheadInOrder } from '../../pipeline/ahead.ts'
import type { Progress } from '../../pipeline/progress.ts'
import { readSpill } from '../../pipeline/spill-file.ts'
import type { Compression } from '../config/types.ts'
import { DICOM_PREFIX_BYTES, readDicomHeader } from '../dicom/header.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import { deviceOf, mustBeOn } from '../plan/archive-folder.ts'
import { toFsPath } from '../plan/file-name.ts'
import type { LeftOut, PlannedFile } from '../plan/types.ts'
import type { WalkItem } from '../plan/walk.ts'
import { endRecords } from './directory.ts'
import { Ledger } from './ledger.ts'
import { MANIFEST_NAME, storedLine, type ManifestHead } from './manifest.ts'
import { zipFolder, zipStream, type DeflateLevel } from './one-entry.ts'
import { beginSmall, entryPath, FILES_FOLDER, leftOut, prepareFile, type PreparedFile } from './prepare-file.ts'
import { ReadBuffers } from './read-buffers.ts'
import { FileLeftOut, streamLarge, WHOLE_FILE_BYTES } from './read-file.ts'

/**
 * Small files are read and deflated this far ahead of their turn: one for each thread of libuv's pool, and their bytes.
 */
const AHEAD = { concurrency: 4, items: 64, budget: 4 * WHOLE_FILE_BYTES }

export interface DumpEntry {
  /** Name of the entry. */
  readonly name: string
  readonly mtime: Date
  readonly bytes: AsyncIterable<Uint8Array>
}

export interface ArchiveInput {
  readonly root: string
  readonly compression: Compression
  /** Null: files only. */
  readonly dump: DumpEntry | null
  /** Asked for after the dump is in. */
  readonly files: () => AsyncIterable<WalkItem>
  /** Asked for after the last file is in. */
  readonly head: () => ManifestHead
  readonly onLeftOut: (left: LeftOut) => void
  readonly progress: Progress
}

/**
 * Yields the archive's bytes; a chunk is valid until the next is asked for. Rejects with E_SOURCE when the archive
 * folder goes away, with E_QUOTA or E_STATE when the ledger's files cannot be written; the errors of dump and plan pass
 * unchanged.
 */
export async function* writeArchive(input: ArchiveInput, ledger: Ledger): AsyncGenerator<Uint8Array> {
  for await (const chunk of entries(input, ledger)) {
    ledger.offset += chunk.length
    yield chunk
  }
}

async function* entries(input: ArchiveInput, ledger: Ledger): AsyncGenerator<Uint8Array> {
  const { progress, root } = input
  const device = await deviceOf(root)
  if (input.dump !== null) {
    progress.phase = 'dumping'
    yield* dumpEntry(input.dump, input, ledger)
  }
  progress.phase = 'archiving'
  const options = { root, compression: input.compression, buffers: new ReadBuffers() }
  const weight = (item: WalkItem): number => ('leftOut' in item ? 0 : item.size)
  const prepared = aheadInOrder(input.files(), (item) => prepareFile(item, options), { ...AHEAD, weight })
  for await (const one of beginSmall(prepared, input.dump === null)) {
    const failed = yield* fileEntry(one, input, ledger)
    // One file that is gone is left out; with the folder itself gone there is no backup to be made.
    if (failed?.lost === true) await mustBeOn(device, root)
    if (failed !== null) await tellLeftOut(failed, input, ledger)
    if (failed?.lost !== false) {
      progress.filesDone += 1
      progress.bytesDone += one.file.size
    }
  }
  await mustBeOn(device, root)
  progress.phase = 'finishing'
  yield* manifestEntry(input, ledger)
  yield* directory(ledger)
}

const dumpLevels: Record<Compression, DeflateLevel> = { auto: 1, fast: 1, store: 0, small: 6 }

async function* dumpEntry(
  dump: DumpEntry,
  { compression, progress }: ArchiveInput,
  ledger: Ledger,
): AsyncGenerator<Uint8Array> {
  const start = ledger.offset
  const sha256 = createHash('sha256')
  let size = 0
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of dump.bytes) {
      sha256.update(chunk)
      size += chunk.length
      progress.dumpBytes = size
      yield chunk
    }
  }
  const record = yield* zipStream(source(), { name: dump.name, mtime: dump.mtime, level: dumpLevels[compression] })
  const line = { path: dump.name, size, mtime: dump.mtime.toISOString(), sha256: sha256.digest('hex') }
  await ledger.addEntry(record, start, storedLine(line, null))
}

type LeftOutFile = Extract<PreparedFile, { kind: 'left-out' }>

/** Returns null when the file is in, else why it is not. */
async function* fileEntry(
  one: PreparedFile,
  input: ArchiveInput,
  ledger: Ledger,
): AsyncGenerator<Uint8Array, LeftOutFile | null> {
  if (one.kind === 'left-out') return one
  if (one.kind === 'large') return yield* largeEntry(one.file, input, ledger)
  const start = ledger.offset
  yield* one.entry.data
  one.release()
  await ledger.addFile(one.entry.record, start, one.line, one.size)
  return null
}

async function* largeEntry(
  file: PlannedFile,
  { root, compression }: ArchiveInput,
  ledger: Ledger,
): AsyncGenerator<Uint8Array, LeftOutFile | null> {
  if (ledger.offset === 0) yield* folderEntry(ledger)
  const start = ledger.offset
  try {
    yield* streamLarge(toFsPath(root, file.path), async function* ({ state, head, pieces }) {
      const header = readDicomHeader(head.subarray(0, DICOM_PREFIX_BYTES))
      const sha256 = createHash('sha256')
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of pieces()) {
          sha256.update(piece)
          yield piece
        }
      }
      const name = entryPath(file)
      const mtime = new Date(state.mtimeMs)
      const level = compressionFor(header, compression, { name: file.path, prefix: head })
      const record = yield* zipStream(source(), { name, mtime, level })
      const line = { path: name, size: state.size, mtime: mtime.toISOString(), sha256: sha256.digest('hex') }
      await ledger.addFile(record, start, storedLine(line, header), state.size)
    })
    return null
  } catch (error) {
    if (error instanceof FileLeftOut) return leftOut(file, error)
    throw error
  }
}

/**
 * For 7-Zip an archive is damaged when it begins with bytes that no directory record names. Where there is nothing else
 * to begin with than a large file, of which may become just that, the entry of the folder goes before it.
 */
async function* folderEntry(ledger: Ledger): AsyncGenerator<Uint8Array> {
  const { data, record } = await zipFolder(`${FILES_FOLDER}/`, new Date())
  yield* data
  await ledger.addEntry(record, 0, null)
}

async function tellLeftOut(
  { file, reason }: LeftOutFile,
  { progress, onLeftOut }: ArchiveInput,
  ledger: Ledger,
): Promise<void> {
  progress.filesSkipped += 1
  onLeftOut({ path: file.path, reason })
  await ledger.addSkipped({ path: entryPath(file), skipped: reason })
}

async function* manifestEntry(input: ArchiveInput, ledger: Ledger): AsyncGenerator<Uint8Array> {
  await ledger.manifest.flush()
  const start = ledger.offset
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${JSON.stringify(input.head())}\n`)
    yield* readSpill(ledger.manifest.path)
  }
  const level = input.compression === 'store' ? 0 : 1
  const record = yield* zipStream(source(), { name: MANIFEST_NAME, mtime: new Date(), level })
  await ledger.addEntry(record, start, null)
}

async function* directory(ledger: Ledger): AsyncGenerator<Uint8Array> {
  await ledger.directory.flush()
  const offset = ledger.offset
  yield* readSpill(ledger.directory.path)
  yield endRecords({ entries: ledger.entries, size: ledger.directory.bytes, offset })
}
