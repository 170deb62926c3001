import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { formatLine, parseLine } from '../journal/checked-line.ts'
import { BackupError } from '../contract/errors.ts'
import { SerialQueue } from '../flow/serial-queue.ts'
import { readFully, writeFully } from '../files/fully.ts'
import type { Mark } from '../contract/source.ts'
import { damagedStateFile, openStateFile, stateFileError, syncFolder } from '../files/state-file.ts'

/** Bytes of a record: a checked line filled up with spaces. */
const RECORD_BYTES = 512
/** How many of the last records are checked when an index is opened: more than any window or ring has parts. */
const CHECKED_RECORDS = 64

/** What has to be known of one part of the archive once its bytes are gone. */
export interface PartFact {
  /** SHA-256 of the part, hex. */
  readonly sha256: string
  readonly bytes: number
  /** The last place at or before the part's end where the source can begin again. */
  readonly mark: Mark | null
}

/** A file of records of one width, one for each part of the archive: the n-th is found without reading the others. */
export class PartIndex {
  readonly #file: string
  readonly #handle: FileHandle
  #written: number
  #pending: Buffer[] = []
  readonly #turn = new SerialQueue()
  #nextSync: Promise<void> | null = null
  #failure: BackupError | null = null

  private constructor(file: string, handle: FileHandle, count: number) {
    this.#file = file
    this.#handle = handle
    this.#written = count
  }

  /**
   * Opens or creates it (mode 0600); keeps the first `count` records and cuts off the rest. Rejects with E_STATE when it
   * has fewer or one of the last ones is damaged, and with E_QUOTA.
   */
  static async open(file: string, count: number): Promise<PartIndex> {
    const handle = await openStateFile(file)
    try {
      const { size } = await handle.stat()
      if (size < count * RECORD_BYTES) throw damagedStateFile(file)
      if (size > count * RECORD_BYTES) await handle.truncate(count * RECORD_BYTES)
      const index = new PartIndex(file, handle, count)
      for (let n = Math.max(0, count - CHECKED_RECORDS); n < count; n++) await index.read(n)
      await syncFolder(path.dirname(file))
      return index
    } catch (error) {
      await handle.close().catch(() => undefined)
      throw stateFileError(error, file)
    }
  }

  /** Records, with those that are not written yet. */
  get count(): number {
    return this.#written + this.#pending.length
  }

  /** Adds the record of the next part; it stays in memory until `sync`. Throws E_INTERNAL when it does not fit. */
  add(fact: PartFact): void {
    const { sha256, bytes, mark } = fact
    const record = formatLine({ n: this.count, sha256, bytes, mark }, RECORD_BYTES)
    if (record.length > RECORD_BYTES) {
      throw new BackupError('E_INTERNAL', `The record of part ${this.count} takes ${record.length} bytes.`, {
        advice: 'Please report it with the log file.',
      })
    }
    this.#pending.push(record)
  }

  /**
   * Resolves when everything added before the call is durable (fdatasync). Calls that come while one is under way share
   * the next one. Rejects with E_QUOTA or E_STATE, and then every time.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#turn.run(() => {
      this.#nextSync = null
      return this.#sync()
    })
    return this.#nextSync
  }

  /** The n-th record, from 0. Rejects with E_STATE when it is damaged, with RangeError when there is none. */
  async read(n: number): Promise<PartFact> {
    if (!Number.isInteger(n) || n < 0 || n >= this.count) throw new RangeError(`There is no part ${n}.`)
    const record = this.#pending[n - this.#written] ?? (await this.#readRecord(n))
    const value = parseLine(record)
    // The number finds a record that the disk has written to another's place.
    if (!isPartRecord(value) || value.n !== n) throw damagedStateFile(this.#file)
    const { sha256, bytes, mark } = value
    return { sha256, bytes, mark }
  }

  /** Lets go of the file. What was added since the last `sync` is not written. */
  async close(): Promise<void> {
    await this.#turn.run(() => this.#handle.close())
  }

  async #sync(): Promise<void> {
    const count = this.#pending.length
    try {
      // Never again after a failure: the system may have dropped what it could not write.
      if (this.#failure !== null) throw this.#failure
      const data = Buffer.concat(this.#pending)
      await writeFully(this.#handle, data, this.#file, this.#written * RECORD_BYTES)
      await this.#handle.datasync()
    } catch (error) {
      this.#failure = stateFileError(error, this.#file)
      throw this.#failure
    }
    this.#pending = this.#pending.slice(count)
    this.#written += count
  }

  async #readRecord(n: number): Promise<Buffer> {
    const record = Buffer.alloc(RECORD_BYTES)
    try {
      await readFully(this.#handle, record, n * RECORD_BYTES)
    } catch (error) {
      throw stateFileError(error, this.#file)
    }
    return record
  }
}

/**
 * The mark of the n-th record of an index that may be in another process's use; null when it has none, or cannot be read.
 * Never rejects.
 */
export async function readMark(file: string, n: number): Promise<Mark | null> {
  const handle = await open(file).catch(() => null)
  try {
    const record = Buffer.alloc(RECORD_BYTES)
    await handle?.read(record, 0, RECORD_BYTES, n * RECORD_BYTES)
    const value = parseLine(record)
    return isPartRecord(value) && value.n === n ? value.mark : null
  } catch {
    return null
  } finally {
    await handle?.close().catch(() => undefined)
  }
}

function isPartRecord(value: unknown): value is PartFact & { readonly n: number } {
  return typeof value === 'object' && value !== null && ['n', 'sha256', 'bytes', 'mark'].every((key) => key in value)
}
