/** Where stored bytes go: to files in a folder, or nowhere. Never into memory. */

import { constants, createReadStream } from 'node:fs'
import { mkdir, open, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { renameOver } from '../../pipeline/files/rename.ts'

/** `folder` is made when it is absent and ought to be empty. With `discard` bytes are only hashed and counted. */
export type StorageOptions = { readonly folder: string } | { readonly discard: true }

export interface BlobWriter {
  write(position: number, chunk: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** The bytes of one object, finished or not. */
export interface Blob {
  /** Null when bytes are discarded. */
  readonly file: string | null
  write(): Promise<BlobWriter>
  /** Ends the object at `bytes` and gives its file a name that a person knows again. */
  seal(bytes: number, name: string): Promise<void>
  /** From `start` up to, not including, `end`. Only where `file` is not null. */
  read(start: number, end: number): AsyncIterable<Buffer>
  /** Flips one bit of the stored byte at `position`. */
  flip(position: number): Promise<void>
  remove(): Promise<void>
}

export interface Storage {
  create(): Promise<Blob>
}

export async function openStorage(options: StorageOptions): Promise<Storage> {
  if ('discard' in options) return { create: () => Promise.resolve(nowhere) }
  const { folder } = options
  await mkdir(folder, { recursive: true })
  let count = 0
  return {
    create: () => Promise.resolve(new FileBlob(folder, String(++count).padStart(6, '0'))),
  }
}

/** Its file is made with its first byte: an upload that was begun and never filled leaves nothing in the folder. */
class FileBlob implements Blob {
  file: string
  readonly #folder: string
  readonly #number: string

  constructor(folder: string, number: string) {
    this.#folder = folder
    this.#number = number
    this.file = path.join(folder, `${number}.part`)
  }

  async write(): Promise<BlobWriter> {
    const handle = await open(this.file, constants.O_RDWR | constants.O_CREAT)
    return {
      async write(position, chunk) {
        for (let at = 0; at < chunk.length;) {
          const { bytesWritten } = await handle.write(chunk, at, chunk.length - at, position + at)
          at += bytesWritten
        }
      },
      close: () => handle.close(),
    }
  }

  async seal(bytes: number, name: string): Promise<void> {
    await (await open(this.file, 'a')).close()
    await truncate(this.file, bytes)
    const target = path.join(this.#folder, `${this.#number}-${name.replace(/[^\w.-]/g, '_').slice(-100)}`)
    await renameOver(this.file, target)
    this.file = target
  }

  read(start: number, end: number): AsyncIterable<Buffer> {
    if (end <= start) return nothing()
    return createReadStream(this.file, { start, end: end - 1 })
  }

  async flip(position: number): Promise<void> {
    const handle = await open(this.file, 'r+')
    try {
      const byte = Buffer.alloc(1)
      await handle.read(byte, 0, 1, position)
      await handle.write(Buffer.of(byte.readUInt8(0) ^ 1), 0, 1, position)
    } finally {
      await handle.close()
    }
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true, maxRetries: 3 })
  }
}

const noBytes = () => new Error('This stand-in keeps no bytes.')

const nowhere: Blob = {
  file: null,
  write: () => Promise.resolve({ write: () => Promise.resolve(), close: () => Promise.resolve() }),
  seal: () => Promise.resolve(),
  read: () => {
    throw noBytes()
  },
  flip: () => Promise.reject(noBytes()),
  remove: () => Promise.resolve(),
}

async function* nothing(): AsyncGenerator<Buffer> {
  // An empty range has no bytes, and createReadStream cannot say so.
}
