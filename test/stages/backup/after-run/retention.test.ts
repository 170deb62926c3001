/** Retention after a run never takes its result away, and what it could not do is a warning of the run. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BackupError } from '../../../../src/pipeline/contract/errors.ts'
import type { RunResult } from '../../../../src/stages/contract/results.ts'
import { retainAfter, type RetainOptions } from '../../../../src/stages/backup/after-run/retention.ts'
import { SqliteState } from '../../../../src/stages/state/sqlite-state.ts'
import { tempFolder } from '../../../support/temp-folder.ts'
import { DICOM, load, NAS, testFolder } from '../../config/configured.ts'

const config = load(testFolder(), `${DICOM}${NAS}retention: { days: 30 }\n`)

const RESULT: RunResult = {
  runId: 'r1',
  status: 'completed',
  resumed: false,
  startedAt: '2026-11-23T12:00:00+00:00',
  finishedAt: '2026-11-23T12:01:00+00:00',
  archive: { name: 'dicom_backup_2026-11-23_12-00-00.zip', bytes: 1, files: 1, md5: '', contentHash: '' },
  dicom: { files: 1, withoutStudy: 0 },
  skippedFiles: [],
  warnings: [],
  destinations: [
    { name: 'nas', type: 'local', status: 'completed', bytesSent: 1, remoteId: null, remotePath: null, error: null },
  ],
}

describe('retention after a run', () => {
  test('that fails unexpectedly is a warning of the run, which is then partial', async (t) => {
    const state = SqliteState.open(await tempFolder(t))
    t.after(() => state.close())
    const lines: string[] = []
    const options: RetainOptions = {
      log: { info: () => undefined, warn: (_, message) => void lines.push(message) },
      signal: new AbortController().signal,
      open: () => {
        throw new BackupError('E_STATE', 'it cannot be opened', { advice: 'Look at it.' })
      },
    }
    const result = await retainAfter(RESULT, config, state, options)
    const message = 'Old archives were not deleted. it cannot be opened. Look at it.'
    assert.deepEqual(result.warnings, [{ code: 'prune-failed', message }])
    assert.equal(result.status, 'partial')
    assert.deepEqual(lines, [message])
  })

  test('that is stopped is none', async (t) => {
    const state = SqliteState.open(await tempFolder(t))
    t.after(() => state.close())
    const stop = new AbortController()
    const warned: string[] = []
    const options: RetainOptions = {
      log: { info: () => undefined, warn: (_, message) => void warned.push(message) },
      signal: stop.signal,
      open: () => {
        stop.abort(new BackupError('E_ABORTED', 'The run was stopped.'))
        throw new Error('broken off')
      },
    }
    assert.deepEqual(await retainAfter(RESULT, config, state, options), RESULT)
    assert.deepEqual(warned, [])
  })
})
