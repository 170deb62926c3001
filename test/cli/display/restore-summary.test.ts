import assert from 'node:assert/strict'
import test from 'node:test'
import { exitOfRestore } from '../../../src/cli/exit.ts'
import { workText } from '../../../src/cli/display/restore-progress.ts'
import { restoreSummary, type RestoreFacts } from '../../../src/cli/display/restore-summary.ts'
import type { RestoreResult } from '../../../src/stages/contract/results.ts'
import { bare, GIB, MIB, text } from './samples.ts'

const ARCHIVE = 'dicom_backup_2026-03-04_12-00-00.zip'
const FACTS: RestoreFacts = { to: '/srv/restored', from: null, tookMs: 192_000 }
const whole: RestoreResult = {
  archive: ARCHIVE,
  from: 'nas',
  files: 5000,
  bytes: 2 * GIB,
  skipped: 0,
  database: { name: 'viewer_restored', tables: 9, expectedTables: 9, rows: 12_345, rowsByTable: {} },
  warnings: [],
}
const damaged: RestoreResult = {
  ...whole,
  damagedFiles: 2,
  damaged: [
    { path: 'dicom_files/Doe^Jane/1.dcm', reason: 'its content has another checksum (CRC-32)' },
    { path: 'dicom_files/Doe^Jane/2.dcm', reason: 'its content has another checksum (CRC-32)' },
  ],
}

test('what was restored, from where and to where', () => {
  assert.equal(
    restoreSummary(whole, FACTS, bare(80)),
    text(`
✔ Restored

  Archive   dicom_backup_2026-03-04_12-00-00.zip, from nas
  Folder    /srv/restored
  Files     5,000 files, 2.00 GiB, each compared with the manifest
  Database  viewer_restored: 9 tables, 12,345 rows
  Took      3 min 12 s
`),
  )
})

test('what is damaged is counted by reason, never named; the next step depends on what was tried', () => {
  const all = restoreSummary(damaged, FACTS, bare(80))
  assert.match(
    all,
    /✘ Restored, except 2 files\n[\s\S]*2 {2}its content has another checksum[\s\S]*Every available copy/,
  )
  assert.match(restoreSummary(damaged, { ...FACTS, from: 'nas' }, bare(80)), /Run it again without --from nas/)
  assert.doesNotMatch(all, /Jane/)
})

test('exit 1 for what could not be restored or found, 3 for another number of tables', () => {
  const none = { patients: [], studies: [], series: [] }
  const other = { ...whole, database: { ...whole.database!, tables: 8 } }
  const results = [
    whole,
    { ...whole, database: null },
    other,
    damaged,
    { ...whole, notFound: { ...none, studies: ['1'] } },
  ]
  assert.deepEqual(results.map(exitOfRestore), [0, 0, 3, 1, 1])
  assert.match(restoreSummary(other, FACTS, bare(80)), /8 tables \(the manifest says 9\)/)
})

test('a line of progress names no file', () => {
  const work = {
    doing: 'restoring',
    destination: 'nas',
    done: 512 * MIB,
    total: 2 * GIB,
    files: { done: 12, total: 5000 },
  } as const
  assert.equal(workText(work), 'Restoring the files from nas: 25.0 %, 12 of 5,000 files, 512 MiB of 2.00 GiB')
  assert.equal(
    workText({ doing: 'asking', destination: null, done: 0, total: null, files: null }),
    'Asking the destinations',
  )
})
