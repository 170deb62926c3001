import { test } from 'node:test'
import { FILE_FAULTS, fileFaults } from '../support/fault-loop.ts'

/** Each fault is two processes. */
const atOnce = { concurrency: 2 }
const all = { stride: 1, kindsAtOnce: FILE_FAULTS.length, file: import.meta.filename }

test('each call to the file system may fail or be the last: the next run makes the archive whole', atOnce, (t) =>
  fileFaults(t, { run: 'new', ...all }),
)

test('also when it comes in a run that goes on with a killed one', atOnce, (t) =>
  fileFaults(t, { run: 'resumed', ...all }),
)
