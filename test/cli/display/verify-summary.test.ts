import assert from 'node:assert/strict'
import test from 'node:test'
import { exitOfVerify } from '../../../src/cli/exit.ts'
import { verifySummary } from '../../../src/cli/display/verify-summary.ts'
import type { VerifyCheck, VerifyResult } from '../../../src/stages/contract/results.ts'
import { bare, text } from './samples.ts'

const ARCHIVE = 'dicom_backup_2026-03-04_12-00-00.zip'
const well: VerifyCheck = {
  destination: 'nas',
  ok: true,
  checked: true,
  method: 'read-back',
  detail: 'size and content hash match what was sent',
}
const bad: VerifyCheck = {
  destination: 'hospital-drive',
  ok: false,
  checked: true,
  method: 'deep',
  detail: '1 of 53 entries is damaged',
  damaged: [{ path: 'dicom_files/Doe^Jane.dcm', reason: 'its content has another checksum (CRC-32)' }],
}
const unknown: VerifyCheck = {
  destination: 'hospital-dropbox',
  ok: false,
  checked: false,
  method: 'provider-hash',
  detail: 'it does not answer',
}
const resultOf = (...checks: VerifyCheck[]): VerifyResult => ({
  archive: ARCHIVE,
  ok: checks.every(({ ok }) => ok),
  checks,
})

test('an archive that is well needs no more words', () => {
  assert.equal(
    verifySummary(resultOf(well), bare(80)),
    text(`
✔ The archive is intact

  Archive  dicom_backup_2026-03-04_12-00-00.zip

  ✔ nas  size and content hash match what was sent
         read back and hashed
`),
  )
})

test('one that is damaged somewhere: where, how it was found, which copy is well; no entry by name', () => {
  const shown = verifySummary(resultOf(bad, unknown, well), bare(80))
  assert.equal(
    shown,
    text(`
✘ The archive is damaged: 1 of 3 checks failed

  Archive  dicom_backup_2026-03-04_12-00-00.zip

  ✘ hospital-drive    1 of 53 entries is damaged
                      every entry read
  ! hospital-dropbox  it does not answer
                      the service's own hash
  ✔ nas               size and content hash match what was sent
                      read back and hashed

Next
  The copy at nas is intact: restore it with --from nas. "dicom-backup run"
  makes a new backup everywhere.
  "dicom-backup verify dicom_backup_2026-03-04_12-00-00.zip --deep --json"
  names the damaged entries.
`),
  )
  assert.doesNotMatch(shown, /Jane/)
})

test('the exit code: a copy that is damaged counts more than one that could not be asked', () => {
  assert.deepEqual(
    [[well], [well, unknown], [unknown], [well, bad], [unknown, bad]].map((checks) =>
      exitOfVerify(resultOf(...checks)),
    ),
    [0, 3, 3, 1, 1],
  )
})
