/** Files that are made entries of, for the tests, and what must come of them. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { deflateRawSync } from 'node:zlib'
import type { Compression } from '../../../src/stages/config/types.ts'
import { deflateOptions } from '../../../src/stages/dicom/deflate-options.ts'
import { readDicomHeader } from '../../../src/stages/dicom/header.ts'
import { toFsPath, entryPath } from '../../../src/stages/plan/file-name.ts'
import type { PlannedFile } from '../../../src/stages/plan/types.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import type { DeflateLevel } from '../../../src/stages/zip/entry-records.ts'
import type { WholeFile } from '../../../src/stages/zip/prepare-file.ts'
import { MAKE_AHEAD, prepareFiles, type PreparedItem } from '../../../src/stages/zip/prepare-files.ts'
import { wholeYazl } from './yazl-entry.ts'

export type Item = PreparedItem<{ readonly item: WalkItem }>

/** A file as the walk sees it now. */
export async function planned(root: string, name: string): Promise<PlannedFile> {
  const { size, mtimeMs } = await lstat(toFsPath(root, name))
  return { path: name, size, mtimeMs }
}

/** What becomes of the items, in their batches. Nothing of it is released. */
export function prepared(
  root: string,
  items: readonly WalkItem[],
  { compression = 'auto', ahead = MAKE_AHEAD }: { readonly compression?: Compression; readonly ahead?: number } = {},
): AsyncGenerator<readonly Item[]> {
  const source = async function* (): AsyncGenerator<{ readonly item: WalkItem }> {
    yield* await Promise.resolve(items.map((item) => ({ item })))
  }
  return prepareFiles(source(), { root, compression, ahead })
}

/** All of them. */
export async function allPrepared(...given: Parameters<typeof prepared>): Promise<Item[]> {
  const items: Item[] = []
  for await (const batch of prepared(...given)) items.push(...batch)
  return items
}

/** The n-th, which must be whole. */
export function wholeAt(items: readonly Item[], n: number): WholeFile {
  const one = items[n]?.one
  if (one?.kind !== 'whole') assert.fail(`item ${n} is ${JSON.stringify(one)}`)
  return one
}

/** APPNOTE 4.3.7: what precedes the name. */
const LOCAL_FIXED = 30

/** Throws unless entry, directory record and line are those of a file with this content and time. */
export async function isEntryOf(one: WholeFile, content: Buffer, mtime: Date, level: DeflateLevel): Promise<void> {
  const name = entryPath(one.file)
  const yazls = { ...(await wholeYazl(content, { name, mtime, level })) }
  if (level > 0) {
    // Its deflate stream is of other parameters.
    const data = deflateRawSync(content, deflateOptions(level))
    const local = yazls.bytes.subarray(0, LOCAL_FIXED + Buffer.byteLength(name))
    local.writeUInt32LE(data.length, 18)
    yazls.record.writeUInt32LE(data.length, 20)
    yazls.bytes = Buffer.concat([local, data])
  }
  const what = `${JSON.stringify(path.basename(name).slice(0, 80))}, ${content.length} bytes, level ${level}`
  assert.ok(yazls.bytes.equals(one.entry), `entry of ${what}`)
  assert.ok(yazls.record.equals(one.record), `directory record of ${what}`)
  assert.equal(one.size, content.length, what)
  const text = one.line.toString()
  assert.ok(text.endsWith('}\n') && text.indexOf('\n') === text.length - 1, 'one line')
  const told = Object.entries(readDicomHeader(content) ?? {}).filter(([, value]) => value !== null)
  const { mode, uid, gid, ...line } = JSON.parse(text) as Record<string, unknown>
  const isOwned = process.platform !== 'win32'
  assert.equal(uid, process.getuid?.(), what)
  assert.deepEqual([/^0[0-7]{3}$/.test(String(mode)), Number.isInteger(gid)], [isOwned, isOwned], what)
  assert.deepEqual(line, {
    path: name,
    size: content.length,
    mtime: mtime.toISOString(),
    sha256: hash('sha256', content),
    ...Object.fromEntries(told),
  })
}
