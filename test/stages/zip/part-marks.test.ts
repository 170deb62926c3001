/** Places and parts: what a process that goes on after a part has to make again. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { cutParts, PartPool, type CutPart } from '../../../src/pipeline/parts/part.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { entriesOf } from './archive-bytes.ts'
import { place } from './archive-maker.ts'
import { copyOf, newRun, openSource, readMade } from './archive-run.ts'
import { MIB, noise } from './going-on.ts'

/** Numbers that look like chance, from 0 to before 1; the same for the same seed. */
function chance(seed: number): () => number {
  const words = noise(4 * 20_000, seed)
  let at = 0
  return () => words.readUInt32LE((at += 4)) / 2 ** 32
}

/** Sizes of files that make several parts together. */
const archives: Readonly<Record<string, (random: () => number) => number[]>> = {
  'tiny ones': (random) => Array.from({ length: 1800 }, () => Math.floor(random() * 8000)),
  'small ones': (random) => Array.from({ length: 110 }, () => Math.floor(random() * 300_000)),
  'ones up to the largest that is read whole': (random) =>
    Array.from({ length: 7 }, () => Math.floor(random() * 4 * MIB)),
  'ones of all sizes': (random) => Array.from({ length: 120 }, () => Math.floor(random() ** 6 * 4 * MIB)),
  // Entries have a name of 16 bytes and the 30 of a local record.
  'ones that end where a part ends': () => [1000, PART_BYTES - 46 - 1046, 5, PART_BYTES - 46 - 51, PART_BYTES - 46, 9],
  'ones that end a byte before and behind': () => [1000, PART_BYTES - 1 - 46 - 1046, 5, PART_BYTES - 46 - 50 + 1, 9],
}

describe('the place that a part is kept with', () => {
  for (const [what, sizes] of Object.entries(archives)) {
    test(`is the end of the last entry in it, and going on from there gives the same (${what})`, async (t) => {
      const here = await place(t)
      for (const [n, size] of sizes(chance(what.length)).entries()) {
        await here.put(`${n}`.padStart(4, '0'), noise(size, n))
        // Left-out ones lie between them.
        if (n % 50 === 20) await symlink('0000', path.join(here.root, `${n}`.padStart(4, '0') + 'x'))
      }
      const folder = path.join(here.folder, 'run')
      await mkdir(folder)
      const run = await newRun({ root: here.root, folder, compression: 'store' })
      const whole = await readMade(openSource(run, null).source)
      const entries = entriesOf(whole.bytes)
      const manifestAt = entries.at(-1)?.start ?? 0

      const { source } = openSource({ ...(await copyOf(run, path.join(here.folder, 'cut'))), head: run.head }, null)
      const pool = new PartPool()
      const parts: CutPart[] = []
      for await (const part of cutParts(source.make({ mark: null, end: 0, between: null }), pool, START))
        parts.push(part)
      await source.close()
      assert.ok(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(whole.bytes))

      const full = parts.filter(({ bytes }) => bytes.length === PART_BYTES)
      assert.ok(full.length > 0)
      for (const { offset, mark } of full) {
        const end = offset + PART_BYTES
        const inIt = entries.filter((entry) => entry.end <= Math.min(end, manifestAt))
        assert.equal(mark?.offset ?? 0, inIt.at(-1)?.end ?? 0, `the part from ${offset}`)
        const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
        const between = whole.bytes.subarray(mark?.offset ?? 0, end)
        const rest = await readMade(openSource(copy, mark).source, { mark, end, between })
        assert.ok(rest.bytes.equals(whole.bytes.subarray(end)), `gone on after the part from ${offset}`)
        await rm(copy.folder, { recursive: true })
      }
    })
  }
})

const START = { offset: 0, mark: null }
