import assert from 'node:assert/strict'
import test from 'node:test'
import { doctorSummary } from '../../../src/cli/display/doctor-summary.ts'
import { ascii, bare, colored, examined, text } from './samples.ts'

test('findings in 80 columns, the remedy below what is not well', () => {
  assert.equal(
    doctorSummary(examined(), bare(80)),
    text(`
✔ Configuration   dicom-backup.yaml
✔ Database        signed in to dicom_viewer at 127.0.0.1:3306
✘ hospital-drive  the sign-in has lapsed
                  → Sign in again: "dicom-backup accounts connect
                  hospital-drive".
✔ Archive folder  /var/www/viewer/dicom_files can be read

✘ 1 of 4 checks failed
`),
  )
})

test('findings in 40 columns of ASCII', () => {
  assert.equal(
    doctorSummary(examined(), ascii(40)),
    text(`
[ok] Configuration
     dicom-backup.yaml
[ok] Database
     signed in to dicom_viewer at
     127.0.0.1:3306
[!!] hospital-drive
     the sign-in has lapsed
     -> Sign in again: "dicom-backup
     accounts connect hospital-drive".
[ok] Archive folder
     /var/www/viewer/dicom_files can be
     read

[!!] 1 of 4 checks failed
`),
  )
})

test('findings in 120 columns', () => {
  assert.equal(
    doctorSummary(examined(), bare(120)),
    text(`
✔ Configuration   dicom-backup.yaml
✔ Database        signed in to dicom_viewer at 127.0.0.1:3306
✘ hospital-drive  the sign-in has lapsed
                  → Sign in again: "dicom-backup accounts connect hospital-drive".
✔ Archive folder  /var/www/viewer/dicom_files can be read

✘ 1 of 4 checks failed
`),
  )
})

test('findings in colour', () => {
  assert.equal(
    doctorSummary(examined(), colored(80)),
    text(`
\u001b[32m✔\u001b[39m Configuration   dicom-backup.yaml
\u001b[32m✔\u001b[39m Database        signed in to dicom_viewer at 127.0.0.1:3306
\u001b[31m✘\u001b[39m hospital-drive  the sign-in has lapsed
                  → Sign in again: "dicom-backup accounts connect
                  hospital-drive".
\u001b[32m✔\u001b[39m Archive folder  /var/www/viewer/dicom_files can be read

\u001b[31m✘\u001b[39m \u001b[1m1 of 4 checks failed\u001b[22m
`),
  )
})

test('all is well', () => {
  const checks = examined().checks.filter(({ ok }) => ok)
  assert.equal(
    doctorSummary({ ok: true, checks }, bare(80)),
    text(`
✔ Configuration   dicom-backup.yaml
✔ Database        signed in to dicom_viewer at 127.0.0.1:3306
✔ Archive folder  /var/www/viewer/dicom_files can be read

✔ Everything a run needs works
`),
  )
})

test('a name too long for a column puts the findings below the names', () => {
  const [check] = examined().checks
  const shown = doctorSummary({ ok: true, checks: [{ ...check!, name: 'x'.repeat(25) }] }, bare(80))
  assert.match(shown, /^✔ x{25}\n {2}dicom-backup\.yaml\n/)
})
