/**
 * The archive's entries, each as a function from its source to its bytes. They know nothing of where in the archive they
 * are, nor whether they are made for the first time; the same source gives the same bytes.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { readSpill } from '../../pipeline/files/spill-file.ts'
import { damagedStateFile } from '../../pipeline/files/state-file.ts'
import type { Compression } from '../config/types.ts'
import { DICOM_PREFIX_BYTES, readWholeHeader } from '../dicom/header.ts'
import { readLater } from '../dicom/reading.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import { dicomKind, type DicomKind } from '../dicom/counts.ts'
import { toFsPath, entryPath, FILES_FOLDER } from '../plan/file-name.ts'
import { CHANGED } from '../plan/left-out.ts'
import type { PlannedFile } from '../plan/types.ts'
import { endRecords } from './directory.ts'
import type { DeflateLevel } from './entry-records.ts'
import { zipFolder, type ZippedEntry } from './folder-entry.ts'
import { largeEntry, type LargeProgress } from './large-entry.ts'
import { MANIFEST_NAME, storedLine } from './manifest.ts'
import { EntryChanged, type EntryBytes } from './overlap.ts'
import type { LargePlace } from './place.ts'
import { FileLeftOut, streamLarge, timeOf, type LargeFile } from './read-file.ts'

/** The database dump, whole, in a file of the run's own. */
export interface SpooledDump {
  /** Name of the entry. */
  readonly name: string
  readonly mtime: Date
  readonly file: string
  readonly bytes: number
}

/** An entry that is out, but for its place in the directory. */
export interface MadeEntry {
  /** For `placeRecord`. */
  readonly record: Buffer
  readonly line: Record<string, string | number>
  /** Of the source, bytes. */
  readonly size: number
  readonly dicom: DicomKind
}

const dumpLevels: Record<Compression, DeflateLevel> = { auto: 1, fast: 1, store: 0, small: 6 }

/** Rejects with E_STATE when the spool is not what it was. */
export async function* dumpEntry(
  { name, mtime, file, bytes }: SpooledDump,
  compression: Compression,
  from: LargeProgress | null,
): EntryBytes<MadeEntry> {
  const sha256 = new StreamHash(from, () => damagedStateFile(file))
  const read = (start: number): AsyncIterable<Uint8Array> => sha256.over(start, (at) => readSpill(file, at, bytes))
  try {
    const record = yield* largeEntry({ name, mtime, level: dumpLevels[compression], read }, from)
    const line = { path: name, size: bytes, mtime: mtime.toISOString(), sha256: await sha256.digest() }
    return { record, line: storedLine(line, null), size: bytes, dicom: 'none' }
  } finally {
    await sha256.end()
  }
}

/** What a file of the archive folder becomes an entry with. */
export interface FileOptions {
  readonly root: string
  readonly compression: Compression
}

/**
 * A file that is too large to be read whole. Throws EntryChanged when it is not what it was at `from`; FileLeftOut when
 * it cannot be read in one state. `onOpen` hears what it is before the first byte; what it throws, this throws.
 */
export async function* largeFileEntry(
  file: PlannedFile,
  { root, compression }: FileOptions,
  from: LargePlace | null,
  onOpen: (file: Pick<LargeFile, 'identity' | 'state'>) => void,
): EntryBytes<MadeEntry> {
  return yield* streamLarge(toFsPath(root, file.path), async function* ({ state, identity, head, range, pieces }) {
    if (from !== null && from.identity !== identity) throw new EntryChanged()
    onOpen({ identity, state })
    const header = await readLater(readWholeHeader(head.subarray(0, DICOM_PREFIX_BYTES)), range)
    const sha256 = new StreamHash(from, () => new FileLeftOut(CHANGED))
    const name = entryPath(file)
    const mtime = timeOf(state)
    const level = compressionFor(header, compression, { name: file.path, prefix: head })
    const read = (start: number): AsyncIterable<Uint8Array> => sha256.over(start, pieces)
    try {
      const record = yield* largeEntry({ name, mtime, level, read }, from)
      const digest = await sha256.digest()
      const line = { path: name, size: state.size, mtime: mtime.toISOString(), sha256: digest, ...state.owner }
      return { record, line: storedLine(line, header), size: state.size, dicom: dicomKind(header) }
    } finally {
      await sha256.end()
    }
  })
}

/** The archive's last entry: `head` and the lines of a file, `bytes` long. */
export async function* manifestEntry(
  manifest: { readonly head: string; readonly file: string; readonly bytes: number; readonly mtime: Date },
  compression: Compression,
  from: LargeProgress | null,
): EntryBytes<Buffer> {
  const head = Buffer.from(manifest.head)
  const read = async function* (start: number): AsyncGenerator<Uint8Array> {
    if (start < head.length) yield head.subarray(start)
    yield* readSpill(manifest.file, Math.max(0, start - head.length), manifest.bytes)
  }
  const level = compression === 'store' ? 0 : 1
  return yield* largeEntry({ name: MANIFEST_NAME, mtime: manifest.mtime, level, read }, from)
}

/** All directory records, out of a file, and what ends the archive. `offset`: where in the archive they begin. */
export async function* directoryBytes(
  { file, bytes, entries, offset }: { file: string; bytes: number; entries: number; offset: number },
  from: LargeProgress | null,
): EntryBytes<undefined> {
  let read = from?.read ?? 0
  for await (const piece of readSpill(file, read, bytes)) {
    yield piece
    read += piece.length
    yield { read, written: read, crc: 0, level: 0 }
  }
  yield endRecords({ entries, size: bytes, offset })
  return undefined
}

/**
 * For 7-Zip an archive is damaged when it begins with bytes that no directory record names. Where nothing else is certain
 * to stay, the entry of the folder goes first.
 */
export const folderEntry = (mtime: Date): Promise<ZippedEntry> => zipFolder(`${FILES_FOLDER}/`, mtime)

/**
 * The SHA-256 of a source while it is read. Of one that is taken up in its middle what came before is read again, but
 * nobody waits for that until the end; and it must have the CRC-32 that it had, or it is not the same source.
 */
class StreamHash {
  readonly #from: LargeProgress | null
  readonly #changed: () => Error
  readonly #hash = createHash('sha256')
  readonly #stop = new AbortController()
  #whole: Promise<string> | null = null

  constructor(from: LargeProgress | null, changed: () => Error) {
    this.#from = from
    this.#changed = changed
  }

  async *over(start: number, read: (from: number) => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (this.#from !== null) {
      this.#whole = hashAgain(untilAborted(read(0), this.#stop.signal), this.#from, this.#changed)
      this.#whole.catch(() => undefined)
      yield* read(start)
      return
    }
    for await (const chunk of read(start)) {
      this.#hash.update(chunk)
      yield chunk
    }
  }

  async digest(): Promise<string> {
    return this.#whole === null ? this.#hash.digest('hex') : await this.#whole
  }

  /** Nobody asks for it any more. Resolves when the source is not read any more either. */
  async end(): Promise<void> {
    this.#stop.abort()
    await this.#whole?.catch(() => undefined)
  }
}

async function* untilAborted(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (signal.aborted) return
    yield chunk
  }
}

async function hashAgain(
  source: AsyncIterable<Uint8Array>,
  { read, crc }: LargeProgress,
  changed: () => Error,
): Promise<string> {
  const hash = createHash('sha256')
  let position = 0
  let sum = 0
  for await (const chunk of source) {
    hash.update(chunk)
    if (position < read) sum = crc32(chunk.subarray(0, read - position), sum)
    position += chunk.length
    if (position >= read && sum !== crc) throw changed()
  }
  return hash.digest('hex')
}
