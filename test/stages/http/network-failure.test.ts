import assert from 'node:assert/strict'
import { test } from 'node:test'

import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { networkFailure, transportErrorOf } from '../../../src/stages/http/network-failure.ts'
import { TransportError } from '../../../src/stages/http/transport-error.ts'

test('a network failure is E_DESTINATION to be tried again, and names the destination and the host', () => {
  const error = new TransportError('cut', 'content.dropboxapi.com', 'ECONNRESET')
  const failure = networkFailure('hospital-dropbox', error)
  assert.ok(failure instanceof BackupError)
  assert.equal(failure.code, 'E_DESTINATION')
  assert.equal(failure.remedy, 'retry')
  assert.equal(failure.message, 'hospital-dropbox: The connection to content.dropboxapi.com was cut (ECONNRESET).')
  assert.notEqual(failure.advice, '')
  assert.equal(networkFailure('x', error, { remedy: 'resume' })?.remedy, 'resume')
})

test('a certificate that is not trusted is not tried again', () => {
  const failure = networkFailure('x', new TransportError('tls', 'a.example', 'CERT_HAS_EXPIRED'), { remedy: 'resume' })
  assert.equal(failure?.remedy, 'stop')
  assert.match(failure.advice, /clock/)
})

test('a failure that an SDK has wrapped is found', () => {
  const error = new TransportError('dns', 'a.example')
  assert.equal(transportErrorOf(new Error('wrapped', { cause: error })), error)
  assert.equal(transportErrorOf(new Error('other')), null)
  assert.equal(networkFailure('x', new Error('other')), null)
})

test("a stopped request is told with the reason of the caller's signal", () => {
  const error = new TransportError('aborted', 'a.example')
  const reason = new BackupError('E_ABORTED', 'Ctrl-C.')
  assert.equal(networkFailure('x', error, { signal: AbortSignal.abort(reason) }), reason)
  assert.equal(networkFailure('x', error)?.code, 'E_ABORTED')
})
