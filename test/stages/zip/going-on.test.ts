import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { placeOf } from '../../../src/stages/zip/place.ts'
import { checkArchive } from './archive-bytes.ts'
import { everyReaderAccepts } from './archive-maker.ts'
import { writeFile } from 'node:fs/promises'
import { copyOf, openSource, readMade } from './archive-run.ts'
import { endings, LINK, recorded, told, VANISHING } from './going-on.ts'

describe('an archive that is gone on with from any of its places', () => {
  for (const compression of ['auto', 'store', 'small'] as const) {
    for (const dump of [false, true]) {
      const what = `${compression}, ${dump ? 'with' : 'without'} a dump`
      test(`is the same, and no file before the place is needed (${what})`, async (t) => {
        const all = await recorded(t, { compression, dump })
        const { here, run, bytes, marks, files, through } = all
        await writeFile(here.archive, bytes)
        await everyReaderAccepts(here.archive)
        const { contents, skipped } = checkArchive(bytes)
        assert.deepEqual([...skipped.keys()].sort(), [...VANISHING, LINK].map((name) => `dicom_files/${name}`).sort())
        assert.equal(contents.size, files.size - VANISHING.length + (dump ? 1 : 0))
        const every = [...endings(all)]
        assert.ok(every.length > (3 * marks.length) / 2, `${every.length} endings`)
        for (const [n, { mark, end, between }] of every.entries()) {
          // The best compression is slow, and no other way.
          if (compression === 'small' && n % 4 > 0) continue
          for (const [position, name] of through) {
            if (position <= placeOf(mark).plan) await rm(path.join(here.root, name), { force: true })
          }
          const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
          const { source, progress, leftOut } = openSource(copy, mark)
          const rest = await readMade(source, { mark, end, between })
          assert.ok(rest.bytes.equals(bytes.subarray(end)), told({ mark, end }))
          // Places that are equal are told once, that of the beginning not at all.
          const later = marks.slice(mark === null ? 0 : marks.indexOf(mark) + 1)
          assert.deepEqual(
            rest.marks,
            later.filter((one) => one.offset >= end),
          )
          const { files: stored, skipped: left } = source.counts()
          assert.deepEqual([stored, left], [files.size - VANISHING.length, VANISHING.length + 1])
          assert.equal(progress.filesSkipped, left)
          assert.equal(leftOut.length, left - placeOf(mark).skipped)
          await rm(copy.folder, { recursive: true })
        }
      })
    }
  }
})
