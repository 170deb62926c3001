import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import { dropboxError } from '../../../src/stages/destinations/dropbox/errors.ts'
import { refusalOf } from '../../../src/stages/destinations/dropbox/refusal.ts'
import { endpointError } from '../../../src/stages/stand-ins/dropbox/errors.ts'

const caller = { name: 'hospital-dropbox', folder: '/DICOM_Backups', renewable: false }

function judge(...tags: string[]): readonly [ErrorCode, Remedy] {
  const { status, body } = endpointError(tags)
  assert.ok(typeof body === 'string')
  const refusal = refusalOf({ status, headers: new Headers(), body: JSON.parse(body) as unknown })
  assert.deepEqual(refusal.tags, tags)
  const error = dropboxError(refusal, caller)
  assert.ok(error.message.includes(`409 ${tags.join('/')}`), error.message)
  assert.ok(error.remedy !== 'stop' || error.advice !== '', 'where the engine stops, the person is told what to do')
  return [error.code, error.remedy]
}

test('every refusal of a path has its meaning', () => {
  const meanings: Readonly<Record<string, readonly [ErrorCode, Remedy]>> = {
    insufficient_space: ['E_QUOTA', 'stop'],
    team_folder_insufficient_space: ['E_QUOTA', 'stop'],
    member_folder_insufficient_space: ['E_QUOTA', 'stop'],
    upload_traffic_limit_reached: ['E_QUOTA', 'stop'],
    no_write_permission: ['E_AUTH', 'stop'],
    access_restricted: ['E_AUTH', 'stop'],
    team_folder: ['E_AUTH', 'stop'],
    malformed_path: ['E_DESTINATION', 'stop'],
    disallowed_name: ['E_DESTINATION', 'stop'],
    operation_suppressed: ['E_DESTINATION', 'stop'],
    too_many_write_operations: ['E_DESTINATION', 'retry'],
    other: ['E_DESTINATION', 'retry'],
    not_found: ['E_DESTINATION', 'stop'],
  }
  for (const [tag, meaning] of Object.entries(meanings)) assert.deepEqual(judge('path', tag), meaning, tag)
  for (const kind of ['file', 'folder', 'file_ancestor']) {
    assert.deepEqual(judge('path', 'conflict', kind), ['E_DESTINATION', 'stop'])
  }
})

test('every refusal of a session has its meaning, at an append and one level deeper at a finish', () => {
  for (const around of [[], ['lookup_failed']]) {
    assert.deepEqual(judge(...around, 'not_found'), ['E_SESSION', 'restart'])
    assert.deepEqual(judge(...around, 'closed'), ['E_SESSION', 'restart'])
    assert.deepEqual(judge(...around, 'incorrect_offset'), ['E_OFFSET', 'resume'])
    assert.deepEqual(judge(...around, 'too_large'), ['E_DESTINATION', 'stop'])
    assert.deepEqual(judge(...around, 'payload_too_large'), ['E_DESTINATION', 'stop'])
  }
  assert.deepEqual(judge('concurrent_session_missing_data'), ['E_SESSION', 'restart'])
  assert.deepEqual(judge('concurrent_session_not_closed'), ['E_SESSION', 'restart'])
  assert.deepEqual(judge('concurrent_session_invalid_offset'), ['E_OFFSET', 'resume'])
  assert.deepEqual(judge('concurrent_session_invalid_data_size'), ['E_OFFSET', 'resume'])
})

test('the longer of the two pauses that a 429 names is kept', () => {
  const pause = (header: string | null, seconds: number | null): number | null => {
    const headers = new Headers(header === null ? {} : { 'retry-after': header })
    const body = seconds === null ? 'Too many requests.' : { error: { reason: { '.tag': 'x' }, retry_after: seconds } }
    return dropboxError(refusalOf({ status: 429, headers, body }), caller).retryAfterMs
  }
  assert.equal(pause('15', 300), 300_000)
  assert.equal(pause('300', 15), 300_000)
  assert.equal(pause('300', null), 300_000)
  assert.equal(pause(null, 15), 15_000)
  assert.equal(pause(null, null), null)
})

test('what is no error of the API is read without a stumble', () => {
  const bodies = [
    '',
    '<html>',
    null,
    7,
    [],
    { error: null },
    { error: { '.tag': 'a b"' } },
    { error: { '.tag': 'x', x: 1 } },
  ]
  for (const body of bodies) {
    for (const status of [300, 400, 401, 403, 404, 409, 422, 429, 500]) {
      const error = dropboxError(refusalOf({ status, headers: new Headers(), body }), caller)
      assert.match(error.message, /^hospital-dropbox: .+\(\d{3}( x)?\)\.$/)
    }
  }
})
