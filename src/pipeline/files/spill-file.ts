import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { systemCode, type BackupError } from '../contract/errors.ts'
import { SerialQueue } from '../flow/serial-queue.ts'
import { createStateFile, damagedStateFile, stateFileError, syncFolder } from './state-file.ts'
import { writeFully } from './fully.ts'

const FLUSH_BYTES = 256 * 1024

/**
 * Appends lines, or any bytes, to a file of its own, in large writes. What would grow with the number of files goes
 * there.
 */
export class SpillFile {
  readonly path: string
  readonly #handle: FileHandle
  #pending: Buffer[] = []
  #pendingBytes = 0
  #bytes: number
  #written: number
  readonly #turn = new SerialQueue()
  #named = false
  #failure: BackupError | null = null

  private constructor(file: string, handle: FileHandle, bytes: number) {
    this.path = file
    this.#handle = handle
    this.#bytes = bytes
    this.#written = bytes
  }

  /** Creates the file (mode 0600); one that is there already is an error. Rejects with E_QUOTA or E_STATE. */
  static async create(file: string): Promise<SpillFile> {
    return new SpillFile(file, await createStateFile(file), 0)
  }

  /**
   * Goes on after the first `bytes` bytes of a file; what follows them is cut off. Rejects with E_STATE, also when the
   * file is shorter or not there.
   */
  static async reopen(file: string, bytes: number): Promise<SpillFile> {
    let handle: FileHandle | null = null
    try {
      handle = await open(file, 'r+')
      const { size } = await handle.stat()
      if (size < bytes) throw damagedStateFile(file)
      if (size > bytes) await handle.truncate(bytes)
      return new SpillFile(file, handle, bytes)
    } catch (error) {
      await handle?.close().catch(() => undefined)
      throw systemCode(error) === 'ENOENT' ? damagedStateFile(file) : stateFileError(error, file)
    }
  }

  /** Bytes added so far, with those before `reopen`. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds bytes. The returned promise need not be waited for when it is undefined. Rejects with E_QUOTA or E_STATE. */
  add(data: Buffer): Promise<void> | undefined {
    this.#pending.push(data)
    this.#pendingBytes += data.length
    this.#bytes += data.length
    return this.#pendingBytes >= FLUSH_BYTES ? this.flush() : undefined
  }

  /** Adds a value as one line of JSON. */
  addJson(value: unknown): Promise<void> | undefined {
    return this.add(Buffer.from(`${JSON.stringify(value)}\n`))
  }

  /** Hands everything added so far to the operating system. Rejects with E_QUOTA or E_STATE, and then every time. */
  flush(): Promise<void> {
    const data = this.#take()
    return this.#turn.run(() => this.#write(data))
  }

  /** Resolves when everything added before the call is durable. Rejects with E_QUOTA or E_STATE, and then every time. */
  sync(): Promise<void> {
    const data = this.#take()
    return this.#turn.run(async () => {
      await this.#write(data)
      try {
        await this.#handle.datasync()
        if (!this.#named) await syncFolder(path.dirname(this.path))
        this.#named = true
      } catch (error) {
        throw this.#fail(error)
      }
    })
  }

  /**
   * Lets go of the file, after what is under way. What was added since the last flush is not written. Rejects with E_QUOTA
   * or E_STATE.
   */
  async close(): Promise<void> {
    try {
      await this.#turn.run(() => this.#handle.close())
    } catch (error) {
      throw stateFileError(error, this.path)
    }
  }

  #take(): Buffer {
    const data = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    return data
  }

  async #write(data: Buffer): Promise<void> {
    // After a failure bytes are missing in the middle: nothing may follow them.
    if (this.#failure !== null) throw this.#failure
    try {
      await writeFully(this.#handle, data, this.path, this.#written)
      this.#written += data.length
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #fail(error: unknown): BackupError {
    this.#failure ??= stateFileError(error, this.path)
    return this.#failure
  }
}

/**
 * The file's bytes from `from` to before `to`, or to its end when that is Infinity, in pieces of 256 KiB at most, each
 * valid until the next is asked for. Rejects with E_STATE, also when the file ends before `from` or `to`.
 */
export async function* readSpill(file: string, from = 0, to = Infinity): AsyncGenerator<Buffer> {
  let handle: FileHandle | null = null
  try {
    handle = await open(file, 'r')
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(FLUSH_BYTES, to - from)))
    for (let position = from; position < to;) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - position), position)
      if (bytesRead === 0) {
        if (to === Infinity && (await handle.stat()).size >= position) return
        throw damagedStateFile(file)
      }
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw stateFileError(error, file)
  } finally {
    // What was read is read.
    await handle?.close().catch(() => undefined)
  }
}

const NEWLINE = 0x0a

/**
 * The file's lines, each parsed as JSON. A line feed ends them and nothing else: node:readline would also split at
 * U+2028, which JSON leaves in a file's name as it is. Rejects with E_STATE, also when the last line is cut off.
 */
export async function* readJsonLines(file: string): AsyncGenerator {
  for await (const line of readJsonLinesAt(file)) yield line.value
}

/**
 * The lines from byte `from` to before byte `to`, where lines begin, as `readJsonLines` gives them; `end` is the byte
 * after the line's line feed. Rejects with E_STATE, also when the last line is cut off or the file ends before `to`.
 */
export async function* readJsonLinesAt(
  file: string,
  from = 0,
  to = Infinity,
): AsyncGenerator<{ readonly value: unknown; readonly end: number }> {
  let begun: Buffer[] = []
  let position = from
  for await (const chunk of readSpill(file, from, to)) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      begun.push(chunk.subarray(start, end))
      start = end + 1
      yield { value: parseLine(Buffer.concat(begun).toString(), file), end: position + start }
      begun = []
    }
    if (start < chunk.length) begun.push(Buffer.from(chunk.subarray(start)))
    position += chunk.length
  }
  if (begun.length > 0) throw damagedStateFile(file)
}

function parseLine(line: string, file: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw damagedStateFile(file)
  }
}
