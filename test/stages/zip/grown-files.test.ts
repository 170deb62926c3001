import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { placeOf } from '../../../src/stages/zip/place.ts'
import { dataSet, element, explicitLittle, part10 } from '../dicom/dicom-bytes.ts'
import { checkArchive } from './archive-bytes.ts'
import { place } from './archive-maker.ts'
import { copyOf, newRun, openSource, readMade } from './archive-run.ts'
import { endings, MIB, MTIME, noise, told } from './going-on.ts'
import { planned } from './prepared-files.ts'

const LITTLE = '1.2.840.10008.1.2.1'

test('files that have grown since they were planned, or tell much of themselves, are in whole; gone on with or made again the archive is the same', async (t) => {
  const here = await place(t)
  const loud = part10(LITTLE, Buffer.concat([element(0x00100020, 'LO', '\u0001'.repeat(50_000))]))
  const files: Record<string, Buffer> = {
    'a-first-grown': noise(40_000, 1),
    b: noise(1000, 2),
    'c-grown': noise(1001, 3),
    'd-loud': loud,
    e: part10(LITTLE, dataSet(explicitLittle)),
    'f-grown-much': noise(2 * MIB, 4),
    'g-grown-past-it': noise(4 * MIB + 1, 5),
    h: noise(10, 6),
  }
  for (const [name, bytes] of Object.entries(files)) await here.put(name, bytes, MTIME)
  const items = []
  for (const name of Object.keys(files)) {
    const file = await planned(here.root, name)
    items.push(name.includes('grown') ? { ...file, size: 1000 } : file)
  }
  const gone = { path: 'gone', size: 10, mtimeMs: 0 }
  const folder = path.join(here.folder, 'run')
  await mkdir(folder)
  const run = await newRun({ root: here.root, folder, compression: 'store', items: [...items, gone] })
  const whole = await readMade(openSource(run, null).source)
  const { contents, skipped } = checkArchive(whole.bytes)
  assert.deepEqual([...skipped], [['dicom_files/gone', 'no longer there']])
  for (const [name, bytes] of Object.entries(files)) assert.ok(contents.get(`dicom_files/${name}`)?.equals(bytes), name)

  const last = whole.marks.at(-1) ?? null
  for (const from of [null, ...whole.marks]) {
    const again: Buffer[] = []
    for await (const chunk of openSource(run, last).source.remake(from)) again.push(Buffer.from(chunk))
    assert.ok(Buffer.concat(again).equals(whole.bytes.subarray(from?.offset ?? 0)), JSON.stringify(from))
  }
  for (const [n, { mark, end, between }] of [...endings(whole)].entries()) {
    if (n % 2 > 0) continue
    const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
    const rest = await readMade(openSource(copy, mark).source, { mark, end, between })
    assert.ok(rest.bytes.equals(whole.bytes.subarray(end)), told({ mark, end }))
    await rm(copy.folder, { recursive: true })
  }

  // What was left out stays so, also when it is there again by now and whatever it is.
  await here.put('gone', noise(10, 7))
  const before = whole.marks.find((mark) => placeOf(mark).files === 7) ?? null
  const again: Buffer[] = []
  for await (const chunk of openSource(run, last).source.remake(before)) again.push(Buffer.from(chunk))
  assert.ok(Buffer.concat(again).equals(whole.bytes.subarray(before?.offset)))
  // And one that has shrunk to what was planned is another file.
  await truncate(path.join(here.root, 'c-grown'), 1000)
  await assert.rejects(
    async () => {
      for await (const _ of openSource(run, last).source.remake(null));
    },
    { code: 'E_SOURCE' },
  )
})
