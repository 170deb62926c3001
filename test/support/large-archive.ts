/** Archives beyond what fits into 16 and 32 bits: their sources, and what the programs people have make of them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { needProgram } from './needed-programs.ts'
import type { Rig } from './rig.ts'

export const run = promisify(execFile)
export const GIB = 1024 ** 3
export const MAX_32 = 0xffffffff

/** A file of zeros that takes no room. */
export async function sparse(file: string, size: number): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.truncate(size)
  } finally {
    await handle.close()
  }
}

export function sha256OfZeros(size: number): string {
  const digest = createHash('sha256')
  const piece = Buffer.alloc(16 * 1024 * 1024)
  for (let left = size; left > 0; left -= piece.length) digest.update(piece.subarray(0, Math.min(left, piece.length)))
  return digest.digest('hex')
}

export interface Listed {
  readonly name: string
  readonly size: number
  readonly packed: number
  readonly offset: number
}

/** The directory as Python's zipfile reads it, without reading the entries. */
export async function list(archive: string): Promise<Listed[]> {
  const script = `
import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print(json.dumps([{'name': i.filename, 'size': i.file_size, 'packed': i.compress_size, 'offset': i.header_offset} for i in z.infolist()]))`
  const { stdout } = await run(needProgram('python3'), ['-c', script, archive], { maxBuffer: 256 << 20 })
  return JSON.parse(stdout) as Listed[]
}

/** unzip takes its time over 4 GiB of one entry: it tests these alone, which it finds through the whole directory. */
export async function unzipTests(archive: string, names: readonly string[]): Promise<void> {
  await assert.doesNotReject(run(needProgram('unzip'), ['-tqq', archive, ...names]), 'unzip')
}

/** Runs the backup and gives the archive, which is all there is in the folder. */
export async function backedUp(rig: Rig): Promise<{ readonly archive: string; readonly result: RunResult }> {
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  const archive = path.join(rig.nas, result.archive!.name)
  assert.equal((await stat(archive)).size, result.archive!.bytes)
  return { archive, result }
}

export async function hasRoom(t: TestContext, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize >= bytes) return true
  t.skip(`needs ${Math.ceil(bytes / GIB)} GiB of free space in ${tmpdir()}`)
  return false
}
