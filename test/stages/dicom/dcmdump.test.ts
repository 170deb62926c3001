/** The ids of real files, as they are and written in other ways, are those that DCMTK reads. */
import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { DICOM_PREFIX_BYTES, readWholeHeader } from '../../../src/stages/dicom/header.ts'
import { rangeOf, readNow } from '../../../src/stages/dicom/reading.ts'
import { noSharedDicom, sharedDicom } from '../../support/shared-dicom.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { dcmdump, type Ids } from './dcmdump.ts'
import { rewritten } from './rewritten.ts'

function idsIn(file: Buffer): Ids | null {
  const header = readNow(readWholeHeader(file.subarray(0, DICOM_PREFIX_BYTES)), rangeOf(file))
  if (header === null) return null
  const { modality, patientId, studyUid, seriesUid, sopUid } = header
  return { modality, patientId, studyUid, seriesUid, sopUid }
}

async function realFiles(): Promise<string[]> {
  const root = sharedDicom() ?? ''
  const lines = (await readFile(path.join(root, 'MANIFEST.tsv'), 'utf8')).trim().split('\n').slice(1)
  return lines.map((line) => path.join(root, line.split('\t')[0] ?? ''))
}

/** dcmdump does not take the meta information's UID for the instance's. */
const withMetaUid = (theirs: Ids, ours: Ids | null): Ids => ({
  ...theirs,
  sopUid: theirs.sopUid ?? ours?.sopUid ?? null,
})

test('as they are', { skip: noSharedDicom }, async () => {
  const files = await realFiles()
  let [compared, withIds] = [0, 0]
  for (const [file, theirs] of dcmdump(files)) {
    const ours = idsIn(await readFile(file))
    if (theirs === null) continue
    if (ours === null)
      assert.deepEqual(
        Object.values(theirs).filter((one) => one !== null),
        [],
        file,
      )
    else assert.deepEqual(ours, withMetaUid(theirs, ours), file)
    compared += 1
    if (theirs.studyUid !== null) withIds += 1
  }
  assert.ok(compared >= 110 && withIds >= 100, `${compared}, ${withIds}`)
})

test('written in other ways', { skip: noSharedDicom }, async (t) => {
  const folder = await tempFolder(t)
  const forms = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const [n, file] of (await realFiles()).entries()) {
    const bytes = await readFile(file)
    const ids = idsIn(bytes)
    for (const [form, other] of rewritten(bytes)) {
      assert.deepEqual(idsIn(other), ids, `${form}: ${file}`)
      if (ids?.studyUid != null) counts.set(form, (counts.get(form) ?? 0) + 1)
      if (form === 'compressed by Orthanc') continue
      await mkdir(path.join(folder, `${n}`), { recursive: true })
      const place = path.join(folder, `${n}`, `${form.replaceAll(' ', '-')}.dcm`)
      await writeFile(place, other.subarray(0, 4 << 20))
      forms.set(place, `${form}: ${file}`)
    }
  }
  let compared = 0
  for (const [place, theirs] of dcmdump(await placesIn(folder))) {
    if (theirs === null) continue
    const ours = idsIn(await readFile(place))
    assert.deepEqual(ours, withMetaUid(theirs, ours), forms.get(place))
    compared += 1
  }
  t.diagnostic(
    `${compared} compared with dcmdump; ${[...counts].map(([form, count]) => `${count} ${form}`).join(', ')}`,
  )
  assert.equal(counts.size, 7)
  assert.ok(
    [...counts.values()].every((count) => count >= 20),
    JSON.stringify([...counts]),
  )
  assert.ok(compared >= 300, `${compared}`)
})

const placesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.dcm'))
    .map((name) => path.join(folder, name))
