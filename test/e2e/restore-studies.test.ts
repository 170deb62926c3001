/** Studies as a person lists and restores them, also where their ids lie far behind a file's beginning. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import type { StudyList } from '../../src/stages/restore/list-studies.ts'
import { dataSet, element, explicitLittle, orthancCompressed, part10 } from '../stages/dicom/dicom-bytes.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

const EXPLICIT = '1.2.840.10008.1.2.1'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const STUDY = '1.2.3.4.5'

test('studies are listed and restored whole, one after the other into one folder', async (t) => {
  const rig = await makeRig(t, onlyNas)
  const far = (bytes: number): Buffer => {
    const between = element(0x00091001, 'OB', Buffer.alloc(bytes, 7))
    return dataSet(explicitLittle, { between })
  }
  const files: Readonly<Record<string, Buffer>> = {
    'near.dcm': part10(EXPLICIT, dataSet(explicitLittle)),
    'far.dcm': part10(EXPLICIT, far(100_000)),
    'far-large.dcm': part10(EXPLICIT, far(5 << 20)),
    'far-deflated.dcm': part10(DEFLATED, deflateRawSync(far(300_000))),
    orthanc: orthancCompressed(part10(EXPLICIT, far(300_000))),
    'orthanc-large': orthancCompressed(
      part10(EXPLICIT, Buffer.concat([far(100_000), element(0x7fe00010, 'OW', noise(6 << 20))])),
    ),
  }
  for (const [name, bytes] of Object.entries(files)) await rig.put(name, bytes)
  await rig.put('unnamed.dcm', part10(EXPLICIT, dataSet(explicitLittle, { patientId: '' })))
  await rig.put('notes.txt', 'text')
  const run = await rig.run()
  assert.equal(run.code, 0, JSON.stringify(run.result))

  const list = JSON.parse((await rig.cli('restore', '--list', '--json')).stdout) as StudyList
  assert.deepEqual(
    list.studies.map(({ patientId, studyUid, files: count }) => [patientId, studyUid, count]),
    [
      ['PID-7', STUDY, 6],
      [null, STUDY, 1],
    ],
  )
  const text = (await rig.cli('restore', '--list')).stdout
  assert.match(text, /\n {2}PID-7 .* 1\.2\.3\.4\.5\n {2}'' .* 1\.2\.3\.4\.5\n/)

  const to = path.join(rig.folder, 'restored')
  const restore = async (...args: readonly string[]): Promise<readonly [number | null, RestoreResult]> => {
    const { code, stdout } = await rig.cli('restore', '--json', '--to', to, ...args)
    return [code, JSON.parse(stdout) as RestoreResult]
  }
  const [nothing, { notFound }] = await restore('--study', '1.2.9')
  assert.deepEqual([nothing, notFound?.studies, existsSync(to)], [1, ['1.2.9'], false])

  const [unnamed, { files: one }] = await restore('--patient', '')
  assert.deepEqual([unnamed, one], [0, 1])
  const [named, { files: six }] = await restore('--patient', 'PID-7')
  assert.deepEqual([named, six], [0, 6])
  const [both, { files: none, skipped }] = await restore('--study', STUDY)
  assert.deepEqual([both, none, skipped], [0, 0, 7])
  assert.deepEqual((await readdir(path.join(to, 'dicom_files'))).sort(), [...Object.keys(files), 'unnamed.dcm'].sort())
})

/** Bytes that do not deflate. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 1
  for (let at = 0; at < length; at += 1) bytes[at] = (state = (state * 48271) % 2147483647) & 0xff
  return bytes
}
