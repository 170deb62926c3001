/** Killed at any moment, a run goes on: the program's own process, ended with SIGKILL as kill -9 and power cuts do. */
import { describe, test } from 'node:test'
import { fileFaults } from '../support/fault-loop.ts'
import { killSuite } from '../support/kill-suite.ts'
import { requestFaults } from '../support/request-faults.ts'

const file = import.meta.filename

// test/long has 200.
test('an archive whose run was killed at 20 random moments is whole and the same everywhere', (t) =>
  killSuite(t, file, 20))

// Some of the calls, others with each seed: test/long has all of them, every-call.test.ts all of a smaller run.
test('whichever call to the file system fails or is the last, the next run makes the archive whole', (t) =>
  fileFaults(t, { run: 'new', stride: 60, kindsAtOnce: 1, file }))

test('also when it comes in a run that goes on with a killed one', (t) =>
  fileFaults(t, { run: 'resumed', stride: 80, kindsAtOnce: 1, file }))

describe('whichever request goes wrong, the archive is whole', { concurrency: 2 }, () => {
  for (const service of ['dropbox', 'drive'] as const) {
    test(`to ${service}`, (t) => requestFaults(t, { service, run: 'new', kindsAtOnce: 1, file }))
  }
})
