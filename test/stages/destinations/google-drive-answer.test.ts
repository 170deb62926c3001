import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldOf, reasonOf } from '../../../src/stages/destinations/google-drive/answer.ts'
import { retryAfterOf } from '../../../src/stages/http/answer.ts'

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.parse('2026-11-23T00:00:00Z')
  const pause = (value: string): number | null => retryAfterOf(new Headers({ 'retry-after': value }), now)
  assert.equal(pause('0'), 0)
  assert.equal(pause('120'), 120_000)
  assert.equal(pause('Mon, 23 Nov 2026 00:00:30 GMT'), 30_000)
  assert.equal(pause('Sun, 22 Nov 2026 00:00:30 GMT'), 0)
  assert.equal(pause('soon'), null)
  assert.equal(pause(''), null)
  assert.equal(retryAfterOf(new Headers(), now), null)
})

test('Range says how many bytes are held, from byte 0 on', () => {
  const held = (range: string): number | null => heldOf(new Headers({ range }))
  assert.equal(held('bytes=0-0'), 1)
  assert.equal(held('bytes=0-262143'), 262_144)
  assert.equal(held('bytes=0-5497558138879'), 5_497_558_138_880)
  assert.equal(heldOf(new Headers()), 0)
  for (const range of ['', 'bytes=1-5', 'bytes=0-5,7-9', 'bytes 0-5']) assert.equal(held(range), null)
})

test('the reason is one of Google’s words, wherever it stands, and never a sentence', () => {
  assert.equal(reasonOf({ error: { errors: [{ reason: 'notFound' }], status: 'NOT_FOUND' } }), 'notFound')
  assert.equal(reasonOf({ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }), 'RESOURCE_EXHAUSTED')
  assert.equal(reasonOf({ error: 'invalid_grant', error_description: 'Token has been revoked.' }), 'invalid_grant')
  for (const body of ['', null, [], {}, { error: null }, { error: { errors: [] } }, { error: 'a sentence about x' }]) {
    assert.equal(reasonOf(body), '')
  }
})
