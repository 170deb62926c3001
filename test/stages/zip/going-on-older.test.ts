/** Archives begun by a version that chose another method for a file, or that noted less of it. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Json, Mark } from '../../../src/pipeline/contract/source.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { placeOf } from '../../../src/stages/zip/place.ts'
import { dataSet, element, explicitLittle, orthancCompressed, part10 } from '../dicom/dicom-bytes.ts'
import { checkArchive } from './archive-bytes.ts'
import { everyReaderAccepts, place, type Place } from './archive-maker.ts'
import { copyOf, newRun, openSource, readMade, type MadeBytes, type Run } from './archive-run.ts'
import { endings, MIB, MTIME, noise, pixels, told, type Ending } from './going-on.ts'

const EXPLICIT = '1.2.840.10008.1.2.1'
const instance = part10(EXPLICIT, dataSet(explicitLittle))

interface Begun extends MadeBytes {
  readonly here: Place
  readonly run: Run
}

/** An archive of these files, as a program makes it that chooses this method for each. */
async function begun(t: TestContext, files: Readonly<Record<string, Buffer>>, method: Compression): Promise<Begun> {
  const here = await place(t)
  for (const [name, bytes] of Object.entries(files)) await here.put(name, bytes, MTIME)
  const folder = path.join(here.folder, 'run')
  await mkdir(folder)
  const run = await newRun({ root: here.root, folder, compression: method })
  return { ...(await readMade(openSource(run, null).source)), here, run }
}

/** The mark as it was written before methods and counts of DICOM files were noted. */
function asOlder(mark: Mark | null): Mark | null {
  if (mark === null) return null
  const fields = (mark.place as readonly Json[]).slice(0, 12)
  const within = fields[9]
  return { ...mark, place: fields.with(9, Array.isArray(within) ? within.slice(0, 5) : null) }
}

/** The archive, resumed in a copy of the run's folder by a program that chooses by `auto`; with what it counted. */
async function resumed({ bytes, here, run }: Begun, { mark, end, between }: Ending) {
  const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
  const { source } = openSource({ ...copy, compression: 'auto' }, mark)
  const rest = await readMade(source, { mark, end, between })
  await rm(copy.folder, { recursive: true })
  const archive = Buffer.concat([bytes.subarray(0, end), rest.bytes])
  await writeFile(here.archive, archive)
  return { archive, dicom: source.counts().dicom }
}

/** Every fourth within large files. */
function* endingsWithin(made: MadeBytes): Generator<Ending> {
  let count = 0
  for (const ending of endings(made)) {
    const { large, phase } = placeOf(ending.mark)
    if (large !== null && phase === 'files' && count++ % 4 === 0) yield ending
  }
}

const notes = Buffer.from('notes')

describe('a large file that was begun with another method than it gets now', () => {
  for (const [method, content] of [
    ['fast', orthancCompressed(Buffer.concat([instance, noise(5 * MIB, 1)]))],
    ['store', Buffer.concat([instance, pixels(5 * MIB, 2)])],
  ] as const) {
    test(`ends with the one it began with, and the archive is intact (begun with ${method})`, async (t) => {
      const all = await begun(t, { 'a.txt': notes, 'b/image': content, 'c.dcm': instance }, method)
      let count = 0
      for (const ending of endingsWithin(all)) {
        for (const mark of [ending.mark, asOlder(ending.mark)]) {
          const { archive } = await resumed(all, { ...ending, mark })
          const { contents } = checkArchive(archive)
          assert.ok(contents.get('dicom_files/b/image')?.equals(content), told({ ...ending, mark }))
          // Everything else has the same method in both.
          if (method === 'fast') assert.ok(archive.equals(all.bytes), told({ ...ending, mark }))
          if (count++ % 6 === 1) await everyReaderAccepts(all.here.archive)
        }
      }
      assert.ok(count > 4, `${count} endings`)
    })
  }
})

test('DICOM files are counted on after an interruption, and are not known when those before it were not counted', async (t) => {
  const withoutStudy = part10(EXPLICIT, element(0x00080060, 'CS', 'CT'))
  const files = {
    'a.txt': notes,
    'b.dcm': instance,
    'c.dcm': withoutStudy,
    'd-large.dcm': Buffer.concat([withoutStudy, noise(4 * MIB, 1)]),
    'e.dcm': instance,
  }
  const all = await begun(t, files, 'auto')
  for (const ending of endingsWithin(all)) {
    const countBytes = await resumed(all, ending)
    assert.deepEqual(countBytes.dicom, { files: 4, withoutStudy: 2 }, told(ending))
    const { dicom } = await resumed(all, { ...ending, mark: asOlder(ending.mark) })
    assert.equal(dicom, null, told(ending))
  }
})
