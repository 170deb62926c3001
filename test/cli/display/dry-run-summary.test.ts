import assert from 'node:assert/strict'
import test from 'node:test'
import { dryRunSummary } from '../../../src/cli/display/dry-run-summary.ts'
import { ascii, bare, colored, planned, text } from './samples.ts'

test('a plan in 80 columns', () => {
  assert.equal(
    dryRunSummary(planned(), bare(80)),
    text(`
Plan of a backup; nothing is written

  Files     1,003,211 files, 2.88 TiB
  Database  dicom_viewer, about 1.20 GiB of SQL
  Archive   about 1.43 TiB, 2.01:1

By transfer syntax
                                                Files      Size  In the archive
  Explicit VR Little Endian                   800,000  2.70 TiB        1.26 TiB
  JPEG Lossless, Non-Hierarchical, First-Or…  203,000   180 GiB         170 GiB
  not DICOM                                       211  5.00 MiB        4.00 MiB

By modality
                Files      Size
  CT          900,000  2.60 TiB
  MR          103,000   280 GiB
  none named      211  5.00 MiB

Destinations
  ✔ hospital-dropbox  fits: 2.50 TiB free
  ✘ hospital-drive    does not fit: 12.0 GiB free, about 1.43 TiB needed
  ? nas               free space unknown
  ✘ old-drive         The account old-drive refuses the sign-in. (E_AUTH)

Left out: 1 file
  1  a symbolic link
  Their names are in the output of --json. They may contain patient ids, so
  they are not shown here.

Next
  Fix the marked destinations; "dicom-backup doctor" says how. Then
  "dicom-backup run" makes this backup.
`),
  )
})

test('a plan in 40 columns of ASCII: the tables give up a column and cut names', () => {
  assert.equal(
    dryRunSummary(planned(), ascii(40)),
    text(`
Plan of a backup; nothing is written

  Files     1,003,211 files, 2.88 TiB
  Database  dicom_viewer, about 1.20
            GiB of SQL
  Archive   about 1.43 TiB, 2.01:1

By transfer syntax
                        Files      Size
  Explicit VR Lit...  800,000  2.70 TiB
  JPEG Lossless,...   203,000   180 GiB
  not DICOM               211  5.00 MiB

By modality
                Files      Size
  CT          900,000  2.60 TiB
  MR          103,000   280 GiB
  none named      211  5.00 MiB

Destinations
  [ok] hospital-dropbox
       fits: 2.50 TiB free
  [!!] hospital-drive
       does not fit: 12.0 GiB free,
       about 1.43 TiB needed
  [ ?] nas
       free space unknown
  [!!] old-drive
       The account old-drive refuses
       the sign-in. (E_AUTH)

Left out: 1 file
  1  a symbolic link
  Their names are in the output of
  --json. They may contain patient ids,
  so they are not shown here.

Next
  Fix the marked destinations;
  "dicom-backup doctor" says how. Then
  "dicom-backup run" makes this backup.
`),
  )
})

test('a plan in 120 columns', () => {
  assert.equal(
    dryRunSummary(planned(), bare(120)),
    text(`
Plan of a backup; nothing is written

  Files     1,003,211 files, 2.88 TiB
  Database  dicom_viewer, about 1.20 GiB of SQL
  Archive   about 1.43 TiB, 2.01:1

By transfer syntax
                                                             Files      Size  In the archive
  Explicit VR Little Endian                                800,000  2.70 TiB        1.26 TiB
  JPEG Lossless, Non-Hierarchical, First-Order Prediction  203,000   180 GiB         170 GiB
  not DICOM                                                    211  5.00 MiB        4.00 MiB

By modality
                Files      Size
  CT          900,000  2.60 TiB
  MR          103,000   280 GiB
  none named      211  5.00 MiB

Destinations
  ✔ hospital-dropbox  fits: 2.50 TiB free
  ✘ hospital-drive    does not fit: 12.0 GiB free, about 1.43 TiB needed
  ? nas               free space unknown
  ✘ old-drive         The account old-drive refuses the sign-in. (E_AUTH)

Left out: 1 file
  1  a symbolic link
  Their names are in the output of --json. They may contain patient ids, so they are not shown here.

Next
  Fix the marked destinations; "dicom-backup doctor" says how. Then "dicom-backup run" makes this backup.
`),
  )
})

test('a plan in colour', () => {
  assert.equal(
    dryRunSummary({ ...planned(), skippedFiles: [], byModality: [] }, colored(80)),
    text(`
\u001b[1mPlan of a backup; nothing is written\u001b[22m

  \u001b[2mFiles   \u001b[22m  1,003,211 files, 2.88 TiB
  \u001b[2mDatabase\u001b[22m  dicom_viewer, about 1.20 GiB of SQL
  \u001b[2mArchive \u001b[22m  about 1.43 TiB, 2.01:1

\u001b[1mBy transfer syntax\u001b[22m
                                                \u001b[2mFiles\u001b[22m      \u001b[2mSize\u001b[22m  \u001b[2mIn the archive\u001b[22m
  Explicit VR Little Endian                   800,000  2.70 TiB        1.26 TiB
  JPEG Lossless, Non-Hierarchical, First-Or…  203,000   180 GiB         170 GiB
  not DICOM                                       211  5.00 MiB        4.00 MiB

\u001b[1mDestinations\u001b[22m
  \u001b[32m✔\u001b[39m hospital-dropbox  fits: 2.50 TiB free
  \u001b[31m✘\u001b[39m hospital-drive    does not fit: 12.0 GiB free, about 1.43 TiB needed
  \u001b[2m?\u001b[22m nas               free space unknown
  \u001b[31m✘\u001b[39m old-drive         The account old-drive refuses the sign-in. (E_AUTH)

\u001b[1mNext\u001b[22m
  Fix the marked destinations; "dicom-backup doctor" says how. Then
  "dicom-backup run" makes this backup.
`),
  )
})

test('a plan that fits everywhere has nothing to mend, one of files only says so', () => {
  const [fits] = planned().destinations
  const shown = dryRunSummary({ ...planned(), database: null, destinations: [fits!] }, bare(80))
  assert.match(shown, /Database {2}none configured\n/)
  assert.match(shown, /Next\n {2}"dicom-backup run" makes this backup\.\n$/)
  assert.doesNotMatch(shown, /Mend/)
})

test('an empty plan has no tables and no ratio', () => {
  const empty = {
    files: 0,
    bytes: 0,
    estimatedArchiveBytes: 0,
    database: null,
    byTransferSyntax: [],
    byModality: [],
    skippedFiles: [],
  }
  const shown = dryRunSummary({ ...planned(), ...empty }, bare(80))
  assert.match(shown, /Files {5}0 files, 0 B\n.*\n {2}Archive {3}about 0 B\n\nDestinations/)
})

test('no path of a file is shown', () => {
  assert.doesNotMatch(dryRunSummary(planned(), bare(80)), /MUELLER|4711/)
})

test('a folder without one DICOM file is named as that', () => {
  const shown = (files: number): string =>
    dryRunSummary({ ...planned(), files, dicom: { files: 0, withoutStudy: 0 } }, bare(100))
  assert.match(shown(12), /\n {2}DICOM +none of the 12 files is a DICOM file: check dicom\.root\n/)
  for (const text of [shown(0), dryRunSummary(planned(), bare(100))]) assert.doesNotMatch(text, /\n {2}DICOM /)
})
