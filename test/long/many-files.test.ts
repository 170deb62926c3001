/** A million files: whatever grows with their number shows. Each case takes minutes and some GB of inodes and disk. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { backedUp } from '../support/large-archive.ts'
import { contentOf, manyFiles, mustComeBack, nameOf } from '../support/many-files.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

const CASES: Record<string, { readonly count: number; readonly bytes: number; readonly toAFolder: number }> = {
  'a million empty files': { count: 1_000_000, bytes: 0, toAFolder: 1000 },
  'a million files of 40 bytes': { count: 1_000_000, bytes: 40, toAFolder: 100 },
  '100,000 files in one folder': { count: 100_000, bytes: 200, toAFolder: 100_000 },
}

describe('many files are backed up, read in full and restored', () => {
  for (const [what, { count, bytes, toAFolder }] of Object.entries(CASES)) {
    test(what, async (t) => {
      const rig = await makeRig(t, onlyNas)
      manyFiles(rig.root, count, bytes, toAFolder)
      const { result } = await backedUp(rig)
      assert.equal(result.archive!.files, count)
      assert.deepEqual(result.skippedFiles, [])
      await mustComeBack(rig, count, (n) => [nameOf(n, toAFolder), contentOf(n, bytes)])
    })
  }
})
