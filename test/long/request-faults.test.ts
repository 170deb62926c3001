import { describe, test } from 'node:test'
import { ALL_REQUEST_FAULTS, requestFaults } from '../support/request-faults.ts'

const all = { kindsAtOnce: ALL_REQUEST_FAULTS.length, file: import.meta.filename }

for (const service of ['dropbox', 'drive'] as const) {
  describe(`each request to ${service} may go wrong in every way: the archive is whole`, () => {
    test('in a new run', (t) => requestFaults(t, { service, run: 'new', ...all }))
    test('in a run that goes on with a stopped one', (t) => requestFaults(t, { service, run: 'resumed', ...all }))
  })
}
