/** Archives as a destination holds them, and what is fetched of them: for the tests of reading and restoring. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { remoteFile, type RemoteFile } from '../../../src/stages/archive/remote-file.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'

export const never = new AbortController().signal

export interface Fetched {
  /** Bytes that came, and the ranges that were asked for. */
  bytes: number
  ranges: [from: number, to: number][]
}

/** A file in a folder, as the local destination gives it, and what is fetched of it. */
export async function storedFile(file: string): Promise<{ readonly remote: RemoteFile; readonly fetched: Fetched }> {
  const folder = path.dirname(file)
  const destination = localDestination({ type: 'local', name: 'nas', folder, chunkSize: null })
  const { size } = await stat(file)
  return countBytes(remoteFile(destination, { id: file, path: file, bytes: size, digest: null }))
}

export function countBytes(inner: RemoteFile): { readonly remote: RemoteFile; readonly fetched: Fetched } {
  const fetched: Fetched = { bytes: 0, ranges: [] }
  const remote: RemoteFile = {
    name: inner.name,
    bytes: inner.bytes,
    async *read(from, to, signal) {
      fetched.ranges.push([from, to])
      for await (const chunk of inner.read(from, to, signal)) {
        fetched.bytes += chunk.length
        yield chunk
      }
    },
  }
  return { remote, fetched }
}

/** Bytes as an archive. Each chunk is overwritten when the next is asked for, as a destination may do. */
export function fileOf(bytes: Buffer, pieceBytes = 64 * 1024): RemoteFile {
  return {
    name: 'backup.zip',
    bytes: bytes.length,
    async *read(from, to) {
      if (from < 0 || to > bytes.length) throw new Error(`${from} to ${to} is not in the file`)
      const piece = Buffer.alloc(pieceBytes)
      for (let at = from; at < to; at += pieceBytes) {
        const end = Math.min(to, at + pieceBytes)
        bytes.copy(piece, 0, at, end)
        yield await Promise.resolve(piece.subarray(0, end - at))
        piece.fill(0xee)
      }
    },
  }
}

export const openBytes = (bytes: Buffer, pieceBytes?: number): Promise<ArchiveReader> =>
  ArchiveReader.open(fileOf(bytes, pieceBytes), never)

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of source) all.push(Buffer.from(piece))
  return Buffer.concat(all)
}

/** Writes a changed copy of an archive beside it. */
export async function changed(archive: string, change: (bytes: Buffer) => Buffer): Promise<string> {
  const copy = `${archive}.changed.zip`
  await writeFile(copy, change(await readFile(archive)))
  return copy
}
