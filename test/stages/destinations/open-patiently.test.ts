/** Whoever only asks or tries a destination gets over a hiccup. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPatiently } from '../../../src/stages/destinations/open.ts'
import { text } from '../../../src/stages/stand-ins/answer.ts'
import { startDropboxStandIn } from '../../../src/stages/stand-ins/dropbox/stand-in.ts'

const never = new AbortController().signal

test('one 503 while signing in, trying or listing makes no destination unusable', async (t) => {
  const fault = { kind: 'answer', answer: text(503, 'Service Unavailable') } as const
  const standIn = await startDropboxStandIn({
    storage: { discard: true },
    accessTokens: ['a-token'],
    faults: ['account', 'space', 'start', 'list'].map((route) => ({ route, fault })),
  })
  t.after(() => standIn.close())
  const config = {
    type: 'dropbox',
    name: 'd',
    folder: '/x',
    chunkSize: null,
    accessToken: 'a-token',
    refreshToken: null,
    appKey: null,
    appSecret: null,
  } as const
  const destination = openPatiently(config, { dropbox: standIn.origin }, never)
  assert.equal((await destination.signIn(never)).label, 'backup@hospital.example')
  await destination.probe(never)
  assert.deepEqual(standIn.faults.unused(), [])
  await destination.close()
})
