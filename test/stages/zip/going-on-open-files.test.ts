import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { openFiles } from '../../support/open-files.ts'
import { copyOf, openSource } from './archive-run.ts'
import { endings, recorded, told } from './going-on.ts'

const LINUX_ONLY = process.platform !== 'linux' && 'looks into /proc'

describe('no file stays open', { skip: LINUX_ONLY }, () => {
  for (const dump of [false, true]) {
    const what = dump ? 'with a dump' : 'without a dump'

    test(`when one stops to read an archive that is gone on with (${what})`, async (t) => {
      const all = await recorded(t, { compression: 'store', dump })
      const { here, run } = all
      const before = openFiles()
      for (const { mark, end, between } of endings(all)) {
        for (const wanted of [1, 2, 5]) {
          const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
          const { source } = openSource(copy, mark)
          const made = source.make({ mark, end, between })
          for (let n = 0; n < wanted; n += 1) await made.next()
          await made.return(undefined)
          await source.close()
          assert.equal(openFiles(), before, `${told({ mark, end })}, after ${wanted}`)
          await rm(copy.folder, { recursive: true })
        }
      }
    })

    test(`when one stops to read an archive that is made again (${what})`, async (t) => {
      const { run, marks } = await recorded(t, { compression: 'store', dump })
      const before = openFiles()
      const { source } = openSource(run, marks.at(-1) ?? null)
      for (const from of [null, ...marks]) {
        for (const wanted of [1, 2, 5]) {
          const made = source.remake(from)
          for (let n = 0; n < wanted; n += 1) await made.next()
          await made.return(undefined)
          assert.equal(openFiles(), before, `from ${JSON.stringify(from)}, after ${wanted}`)
        }
      }
    })
  }
})
