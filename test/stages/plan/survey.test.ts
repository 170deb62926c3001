import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { surveyArchive } from '../../../src/stages/plan/survey.ts'
import type { Survey } from '../../../src/stages/plan/survey.ts'
import { noSharedDicom, sharedDicom } from '../../support/shared-dicom.ts'
import { dataSet, explicitLittle, implicitLittle, part10 } from '../dicom/dicom-bytes.ts'
import { newRun, openSource, readMade } from '../zip/archive-run.ts'
import { everything, gridOf, never, newFolder, treeOf } from './tree.ts'

const EXPLICIT = '1.2.840.10008.1.2.1'
const J2K = '1.2.840.10008.1.2.4.90'

const survey = (root: string, compression: Compression = 'auto'): Promise<Survey> =>
  surveyArchive(root, { ...everything, compression }, never)

/** The size of the archive that a run would make. */
async function realArchiveBytes(t: TestContext, root: string, compression: Compression): Promise<number> {
  const run = await newRun({ root, folder: newFolder(t), compression })
  const { bytes } = await readMade(openSource(run, null).source)
  return bytes.length
}

/** Bytes that deflate to about `share` of their size. */
function pixels(size: number, share: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = seed + 1
  for (let at = 0; at < size * share; at++) bytes[at] = (state = (state * 48271) % 2147483647) & 0xff
  return bytes
}

test('a survey counts files and bytes by transfer syntax and by modality, the largest first', async (t) => {
  const root = treeOf(t, ['notes.txt', 'empty'])
  writeFileSync(path.join(root, 'empty'), '')
  const plain = part10(EXPLICIT, dataSet(explicitLittle))
  const packed = Buffer.concat([part10(J2K, dataSet(explicitLittle)), Buffer.alloc(9000)])
  for (const name of ['1', '2', '3']) writeFileSync(path.join(root, name), plain)
  for (const name of ['4', '5']) writeFileSync(path.join(root, name), packed)
  writeFileSync(path.join(root, '6'), dataSet(implicitLittle))
  const { files, bytes, dicom, byTransferSyntax, byModality, leftOut } = await survey(root)
  const bare = dataSet(implicitLittle).length
  assert.equal(files, 8)
  assert.equal(bytes, 3 * plain.length + 2 * packed.length + bare + 9)
  assert.deepEqual(dicom, { files: 6, withoutStudy: 0 })
  assert.deepEqual(leftOut, [])
  assert.deepEqual(
    byTransferSyntax.map((row) => [row.transferSyntax, row.name, row.files, row.bytes]),
    [
      [J2K, 'JPEG 2000 Lossless', 2, 2 * packed.length],
      [EXPLICIT, 'Explicit VR Little Endian', 3, 3 * plain.length],
      ['1.2.840.10008.1.2', 'Implicit VR Little Endian', 1, bare],
      [null, 'not DICOM', 2, 9],
    ],
  )
  assert.deepEqual(byModality, [
    { modality: 'CT', files: 6, bytes: bytes - 9 },
    { modality: null, files: 2, bytes: 9 },
  ])
})

test('an empty archive folder makes an archive of little more than its manifest', async (t) => {
  const { files, bytes, estimatedArchiveBytes, byTransferSyntax, byModality } = await survey(newFolder(t))
  assert.deepEqual(
    { files, bytes, byTransferSyntax, byModality },
    { files: 0, bytes: 0, byTransferSyntax: [], byModality: [] },
  )
  assert.ok(estimatedArchiveBytes > 0 && estimatedArchiveBytes < 1000)
})

test('a survey of the real files agrees with their manifest', { skip: noSharedDicom }, async () => {
  const root = sharedDicom() ?? ''
  const lines = readFileSync(path.join(root, 'MANIFEST.tsv'), 'utf8').trim().split('\n').slice(1)
  const rows = lines.map((line) => line.split('\t')).filter(([name = '']) => name.startsWith('dicom_files/'))
  const found = await survey(path.join(root, 'dicom_files'))
  assert.equal(found.files, rows.length)
  assert.equal(
    found.bytes,
    rows.reduce((sum, [, bytes]) => sum + Number(bytes), 0),
  )
  for (const { transferSyntax, files } of found.byTransferSyntax) {
    const named = rows.filter(([, , , uid]) => uid?.replace(' (guessed, no meta)', '') === transferSyntax)
    assert.equal(files, named.length, transferSyntax ?? '')
  }
  for (const { modality, files } of found.byModality) {
    assert.equal(files, rows.filter((row) => row[5] === (modality ?? '-')).length, modality ?? '')
  }
})

test('the estimate is within 5 % of the real archive of the real files', { skip: noSharedDicom }, async (t) => {
  const root = sharedDicom() ?? ''
  for (const compression of ['auto', 'store', 'fast', 'small'] as const) {
    const { estimatedArchiveBytes } = await survey(root, compression)
    const ratio = estimatedArchiveBytes / (await realArchiveBytes(t, root, compression))
    assert.ok(Math.abs(ratio - 1) < (compression === 'store' ? 0.001 : 0.05), `${compression}: ${ratio}`)
  }
})

test('the estimate is within 5 % where few files are sampled, and large ones shrink less', async (t) => {
  const root = newFolder(t)
  for (let index = 0; index < 600; index++) {
    const kind = index % 7
    const bytes = Buffer.concat([
      part10(EXPLICIT, dataSet(explicitLittle)),
      pixels(300 + kind ** 4 * 20, kind / 7, index),
    ])
    writeFileSync(path.join(root, `1.2.826.0.1.3680043.2.1143.${index * 7919}.dcm`), bytes)
  }
  const { estimatedArchiveBytes } = await survey(root)
  const ratio = estimatedArchiveBytes / (await realArchiveBytes(t, root, 'auto'))
  assert.ok(Math.abs(ratio - 1) < 0.05, String(ratio))
})

test('the estimate looks at all places of large files, for borders are emptier than centres', async (t) => {
  const root = newFolder(t)
  const size = 1024 * 1024
  const centre = pixels(size / 4, 1, 1)
  const file = Buffer.concat([
    part10(EXPLICIT, dataSet(explicitLittle)),
    Buffer.alloc((size * 3) / 8),
    centre,
    Buffer.alloc((size * 3) / 8),
  ])
  for (let index = 0; index < 40; index++) writeFileSync(path.join(root, String(index)), file)
  const { bytes, estimatedArchiveBytes } = await survey(root)
  assert.ok(Math.abs(estimatedArchiveBytes / bytes - 0.25) < 0.08, String(estimatedArchiveBytes / bytes))
})

test('the same archive folder gives the same survey', { skip: noSharedDicom }, async () => {
  const root = sharedDicom() ?? ''
  assert.deepEqual(await survey(root), await survey(root))
})

test(
  'a file that cannot be read is told and not counted',
  { skip: process.platform !== 'linux' && 'only Linux has a file that fails for every account' },
  async () => {
    const options = { include: ['mem'], exclude: [], skipFolders: [], compression: 'auto' as const }
    const { files, bytes, leftOut } = await surveyArchive('/proc/self', options, never)
    assert.deepEqual({ files, bytes }, { files: 0, bytes: 0 })
    assert.deepEqual(leftOut, [{ path: 'mem', reason: 'the disk reported a read error' }])
  },
)

test('each of thousands of files is counted by its own header, with what is left out between them', async (t) => {
  const root = newFolder(t)
  const kinds = [part10(EXPLICIT, dataSet(explicitLittle)), part10(J2K, dataSet(explicitLittle)), Buffer.from('none')]
  const sums = kinds.map(() => ({ files: 0, bytes: 0 }))
  const links: string[] = []
  for (let n = 0; n < 3000; n++) {
    const name = `${n % 11}-${String(n).padStart(4, '0')}`
    // Windows makes links only with a right of its own.
    if (n % 97 === 5 && process.platform !== 'win32') {
      symlinkSync('nowhere', path.join(root, name))
      links.push(name)
      continue
    }
    // No two files of a kind have the same size, so that one in the place of another would show.
    const content = Buffer.concat([kinds[(n * 7) % 3]!, Buffer.alloc(n)])
    writeFileSync(path.join(root, name), content)
    const sum = sums[(n * 7) % 3]!
    sum.files += 1
    sum.bytes += content.length
  }
  const { files, bytes, byTransferSyntax, leftOut } = await survey(root)
  const found = [EXPLICIT, J2K, null].map((uid) => byTransferSyntax.find((row) => row.transferSyntax === uid))
  assert.deepEqual(
    found.map((row) => ({ files: row?.files, bytes: row?.bytes })),
    sums,
  )
  assert.deepEqual([files, bytes], [3000 - links.length, sums.reduce((sum, one) => sum + one.bytes, 0)])
  assert.deepEqual(
    leftOut,
    links.sort().map((name) => ({ path: name, reason: 'a symbolic link' })),
  )
})

test('progress goes up to the totals, a file at a time', async (t) => {
  const root = treeOf(
    t,
    Array.from({ length: 200 }, (_, index) => `f${index}`),
  )
  const seen: (readonly [number, number])[] = []
  const { files, bytes } = await surveyArchive(root, { ...everything, compression: 'auto' }, never, (done, doneBytes) =>
    seen.push([done, doneBytes]),
  )
  assert.deepEqual(
    seen.map(([done]) => done),
    Array.from({ length: 200 }, (_, index) => index + 1),
  )
  assert.deepEqual(seen.at(-1), [files, bytes])
})

test('a stopped survey rejects with the reason of the stop, and a missing folder with E_SOURCE', async (t) => {
  const { root } = gridOf(t, 20, 20)
  const stop = new AbortController()
  const reason = new BackupError('E_ABORTED', 'Ctrl-C')
  const going = surveyArchive(root, { ...everything, compression: 'auto' }, stop.signal, (files) => {
    if (files === 100) stop.abort(reason)
  })
  await assert.rejects(going, reason)
  await assert.rejects(survey(path.join(root, 'none')), { code: 'E_SOURCE' })
})

test('an error in the progress report ends the survey', async (t) => {
  const { root } = gridOf(t, 20, 20)
  let calls = 0
  const going = surveyArchive(root, { ...everything, compression: 'auto' }, never, () => {
    calls += 1
    throw new Error('display')
  })
  await assert.rejects(going, /display/)
  assert.equal(calls, 1)
})
