import assert from 'node:assert/strict'
import test from 'node:test'
import { errorText } from '../../../src/cli/display/error.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { ConfigError } from '../../../src/stages/config/config-error.ts'
import { ascii, bare, colored, text } from './samples.ts'

const full = new BackupError('E_QUOTA', 'The disk of the state folder is full.\nwrite: ENOSPC', {
  advice: 'Make room on that disk, then run again; the run goes on where it stopped.',
})

const faults = new ConfigError('/etc/dicom-backup.yaml', [
  { key: 'destinations[0].folder', line: 12, column: 5, message: 'is missing; name a folder such as /DICOM_Backups' },
  { key: 'scedule', line: 3, column: 1, message: 'unknown key; schedule?' },
])

test('an error says what happened, what is safe and what to do; 80 columns', () => {
  assert.equal(
    errorText(full, bare(80)),
    text(`
✘ The disk of the state folder is full.
  write: ENOSPC

  Safe   Earlier backups are unchanged, and nothing incomplete shows as a
         backup.
  To do  Make room on that disk, then run again; the run goes on where it
         stopped.
  Code   E_QUOTA
`),
  )
})

test('an error in 40 columns of ASCII', () => {
  assert.equal(
    errorText(full, ascii(40)),
    text(`
[!!] The disk of the state folder is
     full.
  write: ENOSPC

  Safe   Earlier backups are unchanged,
         and nothing incomplete shows
         as a backup.
  To do  Make room on that disk, then
         run again; the run goes on
         where it stopped.
  Code   E_QUOTA
`),
  )
})

test('an error in 120 columns', () => {
  assert.equal(
    errorText(full, bare(120)),
    text(`
✘ The disk of the state folder is full.
  write: ENOSPC

  Safe   Earlier backups are unchanged, and nothing incomplete shows as a backup.
  To do  Make room on that disk, then run again; the run goes on where it stopped.
  Code   E_QUOTA
`),
  )
})

test('an error in colour', () => {
  assert.equal(
    errorText(full, colored(80)),
    text(`
\u001b[31m✘\u001b[39m \u001b[1mThe disk of the state folder is full.\u001b[22m
  write: ENOSPC

  \u001b[2mSafe \u001b[22m  Earlier backups are unchanged, and nothing incomplete shows as a
         backup.
  \u001b[2mTo do\u001b[22m  Make room on that disk, then run again; the run goes on where it
         stopped.
  \u001b[2mCode \u001b[22m  E_QUOTA
`),
  )
})

test('faults of the configuration are listed with their places; 80 columns', () => {
  assert.equal(
    errorText(faults, bare(80)),
    text(`
✘ 2 faults in /etc/dicom-backup.yaml

  dicom-backup.yaml:12:5  destinations[0].folder: is missing; name a folder
    such as /DICOM_Backups
  dicom-backup.yaml:3:1   scedule: unknown key; schedule?

  Fix the problems above; docs/configuration.md explains every key.
`),
  )
})

test('faults in 40 columns of ASCII', () => {
  assert.equal(
    errorText(faults, ascii(40)),
    text(`
[!!] 2 faults in /etc/dicom-backup.yaml

  dicom-backup.yaml:12:5
    destinations[0].folder: is missing;
    name a folder such as
    /DICOM_Backups
  dicom-backup.yaml:3:1   scedule:
    unknown key; schedule?

  Fix the problems above;
  docs/configuration.md explains every
  key.
`),
  )
})

test('faults in 120 columns', () => {
  assert.equal(
    errorText(faults, bare(120)),
    text(`
✘ 2 faults in /etc/dicom-backup.yaml

  dicom-backup.yaml:12:5  destinations[0].folder: is missing; name a folder such as /DICOM_Backups
  dicom-backup.yaml:3:1   scedule: unknown key; schedule?

  Fix the problems above; docs/configuration.md explains every key.
`),
  )
})

test('faults in colour', () => {
  assert.equal(
    errorText(faults, colored(120)),
    text(`
\u001b[31m✘\u001b[39m \u001b[1m2 faults in /etc/dicom-backup.yaml\u001b[22m

  \u001b[2mdicom-backup.yaml:12:5\u001b[22m  destinations[0].folder: is missing; name a folder such as /DICOM_Backups
  \u001b[2mdicom-backup.yaml:3:1\u001b[22m   scedule: unknown key; schedule?

  Fix the problems above; docs/configuration.md explains every key.
`),
  )
})

test('a fault of the whole file has its place and no key', () => {
  const error = new ConfigError('a.yaml', [{ key: '', line: 3, column: 1, message: 'a tab where spaces belong' }])
  assert.match(errorText(error, bare(80)), /^✘ 1 fault in a\.yaml\n\n {2}a\.yaml:3:1 {2}a tab where spaces belong\n/)
})

test('what is safe fits the error', () => {
  const safe = (error: BackupError): string => /Safe\s+(.*)\n/.exec(errorText(error, bare(200)))?.[1] ?? ''
  assert.match(safe(new BackupError('E_LOCKED', 'Another run is active.')), /The other run continues/)
  assert.match(safe(new BackupError('E_CONFIG', 'No destinations.')), /^$/)
  assert.match(safe(new BackupError('E_ABORTED', 'Stopped.')), /^Nothing incomplete shows as a backup/)
})

test('an error without advice has no line for it; any other value is a fault of this program', () => {
  assert.doesNotMatch(errorText(new BackupError('E_LOCKED', 'Another run is active.'), bare(80)), /To do/)
  const shown = errorText(new TypeError('x is not a function'), bare(80))
  assert.match(shown, /^✘ An unexpected fault: x is not a function\n/)
  assert.match(shown, /To do {2}Please report it with the log file\.\n {2}Code {3}E_INTERNAL\n$/)
  assert.match(errorText('gone', bare(80)), /An unexpected fault: gone/)
})
