import assert from 'node:assert/strict'
import test from 'node:test'
import { exitOfError, exitOfRun } from '../../src/cli/exit.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'

test('each end of a run has its exit code', () => {
  const statuses = ['completed', 'skipped', 'failed', 'partial', 'interrupted'] as const
  assert.deepEqual(statuses.map(exitOfRun), [0, 0, 1, 3, 130])
})

test('a run that could not begin exits by its error', () => {
  const codes = ['E_CONFIG', 'E_LOCKED', 'E_ABORTED', 'E_STATE', 'E_INTERNAL'] as const
  assert.deepEqual(
    codes.map((code) => exitOfError(new BackupError(code, 'x'))),
    [2, 4, 130, 1, 1],
  )
})
