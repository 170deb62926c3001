import assert from 'node:assert/strict'
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { RestoreResult, VerifyResult } from '../../src/stages/contract/results.ts'
import type { Rig } from './rig.ts'

const ORIGINALS = 1000

/** What the n-th of `manyFiles` holds. */
export const contentOf = (n: number, bytes: number): Buffer => Buffer.alloc(bytes, `${n % ORIGINALS} `)

/** The n-th of `manyFiles`, below their folder. */
export const nameOf = (n: number, toAFolder = 100): string =>
  `${String(Math.floor(n / toAFolder)).padStart(6, '0')}/${n}.dcm`

/**
 * `count` files of `bytes` each, a hundred to a folder or as told. All but the first thousand are links to those: a disk takes a
 * minute to make room for 100,000 files of their own, and to a backup these are files like any other.
 */
export function manyFiles(root: string, count: number, bytes: number, toAFolder = 100): void {
  for (let n = 0; n < count; n += 1) {
    const file = path.join(root, nameOf(n, toAFolder))
    if (n % toAFolder === 0) mkdirSync(path.dirname(file), { recursive: true })
    if (n < ORIGINALS) writeFileSync(file, contentOf(n, bytes))
    else linkSync(path.join(root, nameOf(n % ORIGINALS, toAFolder)), file)
  }
}

/**
 * The rig's newest backup, of `count` files, is read in full and comes back: the n-th has `fileOf(n)`'s name and
 * content, of which a thousand are compared. Takes the archive folder and what was restored away.
 */
export async function mustComeBack(
  rig: Rig,
  count: number,
  fileOf: (n: number) => readonly [name: string, content: string | Buffer],
): Promise<void> {
  await rm(rig.root, { recursive: true })
  const verified = await rig.cli('verify', '--deep', '--json')
  const { checks } = JSON.parse(verified.stdout) as VerifyResult
  assert.deepEqual(
    checks.map(({ ok, method }) => [ok, method]),
    [[true, 'deep']],
    verified.stdout.slice(0, 2000),
  )

  const to = path.join(rig.folder, 'restored')
  const restored = await rig.cli('restore', '--to', to, '--json')
  assert.equal(restored.code, 0, restored.stdout.slice(0, 2000) + restored.stderr)
  // With the manifest.
  assert.equal((JSON.parse(restored.stdout) as RestoreResult).files, count + 1)
  const files = path.join(to, 'dicom_files')
  const names = readdirSync(files, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  assert.equal(names.length, count)
  const step = Math.max(1, Math.floor(count / 1000))
  for (let n = count - 1; n >= 0; n -= step) {
    const [name, content] = fileOf(n)
    assert.ok(readFileSync(path.join(files, name)).equals(Buffer.from(content)), name)
  }
  await rm(to, { recursive: true })
}
