import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { writeFully } from './write-fully.ts'

const FLUSH_BYTES = 256 * 1024

/** Appends lines, or any bytes, to a file of its own, in large writes. What would grow with the number of files goes there. */
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

  /** Creates the file (mode 0600); one that is there already is an error. */
  static async create(path: string): Promise<SpillFile> {
    return new SpillFile(path, await open(path, 'wx', 0o600))
  }

  /** Bytes added so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds bytes. The returned promise need not be waited for when it is undefined. Rejects with E_QUOTA on a full disk. */
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

/** The file's bytes in pieces of 256 KiB. */
export async function* readSpill(path: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: FLUSH_BYTES })) yield chunk as Buffer
}

/** The file's lines, each parsed as JSON. */
export async function* readJsonLines(path: string): AsyncGenerator {
  const input = createReadStream(path, { highWaterMark: FLUSH_BYTES })
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) yield JSON.parse(line) as unknown
  } finally {
    input.destroy()
  }
}
