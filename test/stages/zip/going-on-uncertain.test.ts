import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { Mark } from '../../../src/pipeline/contract/source.ts'
import { placeOf, toMark, type Phase } from '../../../src/stages/zip/place.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { checkArchive } from './archive-bytes.ts'
import { everyReaderAccepts, place } from './archive-maker.ts'
import { copyOf, newRun, openSource, readMade } from './archive-run.ts'
import { endings, fileAt, MTIME, noise, recorded, told, type Ending, type Recorded } from './going-on.ts'
import { checkFiles, goOn, goOnOrNot } from './going-on-checks.ts'

describe('an archive that is gone on with', () => {
  for (const dump of [false, true]) {
    test(`without the bytes behind the place is whole and true (${dump ? 'with' : 'without'} a dump)`, async (t) => {
      const all = await recorded(t, { compression: 'auto', dump })
      let withDead = 0
      for (const [n, ending] of [...endings(all)].entries()) {
        // Every third: each of the four ends, and all places.
        if (n % 3 > 0) continue
        const archive = await goOnOrNot(all, { ...ending, between: null })
        if (archive === null) continue
        checkFiles(checkArchive(archive), all)
        const from = ending.mark?.offset ?? 0
        if (ending.end === from) assert.ok(archive.equals(all.bytes), told(ending))
        else withDead += 1
        if (n % 4 === 0) {
          await writeFile(all.here.archive, archive)
          await everyReaderAccepts(all.here.archive)
        }
      }
      assert.ok(withDead > 15)
    })
  }

  /** The same mark, as it would be had the beginning of what is under way been other bytes. */
  const withOtherBeginning = (mark: Mark | null): Mark => {
    const place = placeOf(mark)
    return toMark({ ...place, large: place.large && { ...place.large, crc: (place.large.crc ^ 1) >>> 0 } })
  }
  const within = (all: Recorded, phase: Phase): Ending[] =>
    [...endings(all)].filter(({ mark }) => placeOf(mark).phase === phase && placeOf(mark).large !== null)

  test('in a large file whose beginning has changed in secret never has it with a false hash', async (t) => {
    for (const compression of ['store', 'auto'] as const) {
      const all = await recorded(t, { compression, dump: false })
      let leftOut = 0
      for (const { mark, end, between } of within(all, 'files')) {
        const name = fileAt(all, mark) ?? ''
        const checked = checkArchive(await goOn(all, { mark: withOtherBeginning(mark), end, between }))
        // Where its CRC is among the bytes that are sent, it is seen at once, and the file begins again.
        const isSeen = end > (mark?.offset ?? 0) && checked.contents.has(`dicom_files/${name}`)
        checkFiles(checked, all, isSeen ? {} : { [name]: 'changed while it was read' })
        if (!isSeen) leftOut += 1
      }
      assert.ok(leftOut > 40, `${leftOut} endings`)
    }
  })

  test('in a dump whose beginning has changed in secret fails, or has it whole', async (t) => {
    const all = await recorded(t, { compression: 'auto', dump: true })
    let failed = 0
    for (const { mark, end, between } of within(all, 'dump')) {
      try {
        checkFiles(checkArchive(await goOn(all, { mark: withOtherBeginning(mark), end, between })), all)
        assert.ok(end > (mark?.offset ?? 0))
      } catch (error) {
        if (!(error instanceof BackupError)) throw error
        assert.equal(error.code, 'E_STATE')
        failed += 1
      }
    }
    assert.ok(failed > 6, `${failed} endings`)
  })

  test('in a file that had grown past what is read whole, and is small again, has it as it is', async (t) => {
    const here = await place(t)
    await here.put('0', Buffer.from('first'))
    const small = noise(1000, 1)
    const file = await here.put('grown', small, MTIME)
    const folder = path.join(here.folder, 'run')
    await mkdir(folder)
    const run = await newRun({ root: here.root, folder, compression: 'store' })
    await writeFile(file, noise(WHOLE_FILE_BYTES + 2_000_000, 2))
    const made = await readMade(openSource(run, null).source)
    await here.put('grown', small, MTIME)
    let within = 0
    for (const { mark, end, between } of endings(made)) {
      if (placeOf(mark).large === null || placeOf(mark).phase !== 'files') continue
      const copy = await copyOf(run, path.join(here.folder, `copy-${within}`))
      const rest = await readMade(openSource(copy, mark).source, { mark, end, between })
      const { contents } = checkArchive(Buffer.concat([made.bytes.subarray(0, end), rest.bytes]))
      assert.deepEqual(contents.get('dicom_files/grown'), small, told({ mark, end }))
      within += 1
    }
    assert.ok(within > 15)
  })
})
