import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { readDicomHeader } from '../../../src/stages/dicom/header.ts'
import { noSharedDicom, sharedDicom } from '../../support/shared-dicom.ts'

interface RealFile {
  readonly path: string
  readonly bytes: Buffer
  readonly transferSyntax: string | null
  readonly modality: string | null
  readonly isDicom: boolean
}

function realFiles(): RealFile[] {
  const root = sharedDicom() ?? ''
  const lines = readFileSync(path.join(root, 'MANIFEST.tsv'), 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const [name = '', , , transferSyntax = '-', , modality = '-', , , status] = line.split('\t')
    return {
      path: name,
      bytes: readFileSync(path.join(root, name)),
      transferSyntax: transferSyntax === '-' ? null : transferSyntax.replace(' (guessed, no meta)', ''),
      modality: modality === '-' ? null : modality,
      isDicom: status !== 'not-dicom' && status !== 'empty',
    }
  })
}

test('transfer syntax and modality of all real files are those of their manifest', { skip: noSharedDicom }, () => {
  const files = realFiles()
  assert.equal(files.length, 118)
  for (const file of files) {
    const header = readDicomHeader(file.bytes)
    assert.equal(header?.transferSyntax ?? null, file.transferSyntax, file.path)
    // A DICOMDIR is no instance and has no modality; the manifest has its kind in that place.
    const modality = file.modality === 'DICOMDIR' ? null : file.modality
    assert.equal(header?.modality ?? null, modality, file.path)
  }
})

test('a real file is DICOM or not as its manifest says', { skip: noSharedDicom }, () => {
  for (const { bytes, isDicom, path: name } of realFiles()) assert.equal(readDicomHeader(bytes) !== null, isDicom, name)
})

test('transfer syntax and modality stand in the first 8 KiB of every real file', { skip: noSharedDicom }, () => {
  for (const { bytes, path: name } of realFiles()) {
    const first = readDicomHeader(bytes.subarray(0, 8 * 1024), 'study')
    const all = readDicomHeader(bytes)
    assert.deepEqual([first?.transferSyntax, first?.modality], [all?.transferSyntax, all?.modality], name)
  }
})

test('instances of real files have their UIDs', { skip: noSharedDicom }, () => {
  const isUid = /^[0-9]+(\.[0-9]+)+$/
  for (const { bytes, path: name } of realFiles().filter((file) => file.path.startsWith('dicom_files/'))) {
    // The folders are named patient, study, series; the file after its SOP instance UID.
    const [, , study = '', series = '', file = ''] = name.split('/')
    const header = readDicomHeader(bytes)
    assert.match(header?.sopUid ?? '', isUid, name)
    assert.deepEqual([header?.studyUid, header?.seriesUid, `${header?.sopUid ?? ''}.dcm`], [study, series, file])
  }
})
