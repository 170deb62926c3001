import { open, type FileHandle } from 'node:fs/promises'
import { createStateFile, damagedStateFile, stateFileError } from './state-file.ts'
import { writeFully } from './write-fully.ts'

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
  #bytes = 0

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** Creates the file (mode 0600); one that is there already is an error. Rejects with E_QUOTA or E_STATE. */
  static async create(path: string): Promise<SpillFile> {
    return new SpillFile(path, await createStateFile(path))
  }

  /** Bytes added so far. */
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

  /** Hands everything added so far to the operating system. */
  async flush(): Promise<void> {
    const data = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    await writeFully(this.#handle, data, this.path)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** The file's bytes in pieces of 256 KiB. Rejects with E_STATE. */
export async function* readSpill(path: string): AsyncGenerator<Buffer> {
  let handle: FileHandle | null = null
  try {
    handle = await open(path, 'r')
    for (let position = 0; ;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(FLUSH_BYTES), 0, FLUSH_BYTES, position)
      if (bytesRead === 0) return
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw stateFileError(error, path)
  } finally {
    await handle?.close()
  }
}

const NEWLINE = 0x0a

/**
 * The file's lines, each parsed as JSON. A line feed ends them and nothing else: node:readline would also split at
 * U+2028, which JSON leaves in a file's name as it is. Rejects with E_STATE, also when the last line is cut off.
 */
export async function* readJsonLines(path: string): AsyncGenerator {
  let begun: Buffer[] = []
  for await (const chunk of readSpill(path)) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      begun.push(chunk.subarray(from, end))
      yield parseLine(Buffer.concat(begun).toString(), path)
      begun = []
      from = end + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  if (begun.length > 0) throw damagedStateFile(path)
}

function parseLine(line: string, path: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw damagedStateFile(path)
  }
}
