/**
 * An append-only file of facts, each a checked line (checked-line.ts). Writes, syncs and folds run one after another in
 * the order of the calls. What is appended after a call of `fold` must not reach the file that is given up, nor what
 * was appended before it the new one: so each fold begins a new stretch of lines.
 */
import { open, readFile, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { formatLine, parseLine } from './checked-line.ts'
import { systemCode, type BackupError } from '../contract/errors.ts'
import { SerialQueue } from '../flow/serial-queue.ts'
import { readFully, writeFully } from '../files/fully.ts'
import { renameOver, whenFree } from '../files/rename.ts'
import { openStateFile, stateFileError, syncFolder, syncName } from '../files/state-file.ts'

/** Lines between two folds that are not yet written, and the sync that will cover them and those still to come. */
interface Epoch {
  lines: Buffer[]
  sync: Promise<void> | null
}

/** An append-only file of facts, each a checksummed line of JSON. */
export class Journal {
  readonly path: string
  #handle: FileHandle
  #written: number
  #bytes: number
  #epoch: Epoch = { lines: [], sync: null }
  readonly #turn = new SerialQueue()
  #failure: BackupError | null = null
  #told = false

  private constructor(file: string, handle: FileHandle, bytes: number) {
    this.path = file
    this.#handle = handle
    this.#written = bytes
    this.#bytes = bytes
  }

  /**
   * Opens or creates it (mode 0600). Gives the records before the first line that is not whole; what follows them is
   * cut off the file. The records given are durable. `check` sees them before anything is changed, and may throw.
   * Rejects with E_QUOTA or E_STATE.
   */
  static async open(
    file: string,
    check: (records: readonly unknown[]) => void = () => undefined,
  ): Promise<{ readonly journal: Journal; readonly records: readonly unknown[] }> {
    const handle = await openStateFile(file)
    try {
      const { size } = await handle.stat()
      const data = Buffer.alloc(size)
      const { records, end } = wholeLines(data.subarray(0, await readFully(handle, data, 0)))
      check(records)
      if (end < size) await handle.truncate(end)
      if (size > 0) await handle.sync()
      await whenFree(() => rm(besideIt(file), { force: true }))
      await syncFolder(path.dirname(file))
      return { journal: new Journal(file, handle, end), records }
    } catch (error) {
      await handle.close().catch(() => undefined)
      throw stateFileError(error, file)
    }
  }

  /**
   * The records of a journal that may be in another process's use; none when there is no such file. Changes nothing.
   * Rejects with E_STATE.
   */
  static async read(file: string): Promise<readonly unknown[]> {
    try {
      return wholeLines(await whenFree(() => readFile(file))).records
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return []
      throw stateFileError(error, file)
    }
  }

  /** Bytes of the file, with what was appended and is not written yet. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Adds a record. It is handed to the operating system soon, without waiting, in the order of the calls, so that a
   * killed process does not lose it; it is durable only after `sync`. A failed write is reported by the next `sync` and by
   * every one after it. Throws E_INTERNAL when JSON has no text for the record.
   */
  append(record: unknown): void {
    const line = formatLine(record)
    const epoch = this.#epoch
    this.#bytes += line.length
    if (epoch.lines.push(line) === 1) void this.#turn.run(() => this.#write(epoch))
  }

  /**
   * Resolves when everything appended before the call is durable (fdatasync). Calls that come while one is under way
   * share the next one. Rejects with E_QUOTA or E_STATE.
   */
  sync(): Promise<void> {
    const epoch = this.#epoch
    epoch.sync ??= this.#turn.run(() => {
      epoch.sync = null
      return this.#sync(epoch)
    })
    return epoch.sync
  }

  /**
   * Puts `records` in the place of all earlier ones, durably: a new file beside it (`<file>.new`) is written, fsynced
   * and renamed over it. At every moment one of the two is whole on the disk. What is appended meanwhile goes behind
   * them. Rejects with E_QUOTA or E_STATE; when the new file could not be written, or not take the other's place, the
   * journal goes on as it was.
   */
  async fold(records: readonly unknown[]): Promise<void> {
    const data = Buffer.concat(records.map((record) => formatLine(record)))
    this.#epoch = { lines: [], sync: null }
    await this.#turn.run(() => this.#fold(data))
  }

  /** Writes what was appended and lets go of the file. Rejects only with a failed write that no `sync` has told. */
  async close(): Promise<void> {
    await this.#turn.run(() => this.#handle.close().catch(this.#fail))
    if (!this.#told) this.#throwFailure()
  }

  async #write(epoch: Epoch): Promise<void> {
    const data = Buffer.concat(epoch.lines)
    epoch.lines = []
    if (data.length === 0 || this.#failure !== null) return
    try {
      await writeFully(this.#handle, data, this.path, this.#written)
      this.#written += data.length
    } catch (error) {
      this.#fail(error)
    }
  }

  async #sync(epoch: Epoch): Promise<void> {
    // Also what was appended after the call, as later calls share this one.
    await this.#write(epoch)
    // Never again after a failure: the system may have dropped what it could not write, and a second call would succeed.
    if (this.#failure === null) await this.#handle.datasync().catch(this.#fail)
    this.#throwFailure()
  }

  async #fold(data: Buffer): Promise<void> {
    this.#throwFailure()
    const fresh = besideIt(this.path)
    await writeDurably(fresh, data)
    const refusal = await this.#replaceBy(fresh).catch((error: unknown) => {
      this.#fail(error)
      return null
    })
    this.#throwFailure()
    if (refusal !== null) {
      await rm(fresh, { force: true }).catch(() => undefined)
      throw refusal
    }
    this.#bytes += data.length - this.#written
    this.#written = data.length
  }

  /**
   * Null when the file `fresh` has taken the journal's place, else why it could not; then the journal is open again, as
   * it was. Rejects when it is unknown which of the two is there.
   */
  async #replaceBy(fresh: string): Promise<BackupError | null> {
    // Windows renames over no file that is open.
    await this.#handle.close()
    const refusal = await renameOver(fresh, this.path).then(
      () => null,
      (error: unknown) => stateFileError(error, this.path),
    )
    if (refusal === null) await syncName(this.path)
    this.#handle = await whenFree(() => open(this.path, 'r+'))
    // A network drive may have renamed it after all.
    if (refusal !== null && (await this.#handle.stat()).size !== this.#written) throw refusal
    return refusal
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= stateFileError(error, this.path)
  }

  #throwFailure(): void {
    if (this.#failure === null) return
    this.#told = true
    throw this.#failure
  }
}

function besideIt(file: string): string {
  return `${file}.new`
}

/** The values of the lines before the first that is not whole, and the byte after the last of them. */
function wholeLines(data: Buffer): { records: unknown[]; end: number } {
  const records: unknown[] = []
  for (let end = 0; ;) {
    const next = data.indexOf('\n', end) + 1
    const record = next === 0 ? undefined : parseLine(data.subarray(end, next))
    if (record === undefined) return { records, end }
    records.push(record)
    end = next
  }
}

/** Makes a file with these bytes and fsyncs it; leaves none behind when that fails. Rejects with E_QUOTA or E_STATE. */
async function writeDurably(file: string, data: Buffer): Promise<void> {
  try {
    await rm(file, { force: true })
    const handle = await open(file, 'wx', 0o600)
    try {
      await writeFully(handle, data, file)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    await rm(file, { force: true }).catch(() => undefined)
    throw stateFileError(error, file)
  }
}
