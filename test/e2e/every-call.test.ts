/**
 * Whichever call to the file system is the last of a process, or fails, the next run makes the archive whole. In this
 * process and without services: so small that each call can be tried. test/long tries them in processes of their own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EveryCall } from '../support/every-call.ts'
import { startMariaDb } from '../support/mariadb.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'

const KINDS = ['eio', 'enospc'] as const
/** Far more than such a run has. */
const MOST_CALLS = 1000

/** Where they are not all, each turn of these tests tries others. */
interface Calls {
  readonly first: number
  readonly step: number
  readonly last: number
}

const ALL: Calls = { first: 1, step: 1, last: MOST_CALLS }

/** At a call one kind of fault, at the next another: until a run needs none. */
async function faultAtEach(
  rig: EveryCall,
  goBack: () => Promise<void>,
  { first, step, last }: Calls = ALL,
): Promise<number> {
  let tried = 0
  for (let nth = first, spared = 0; spared < KINDS.length && nth <= last; nth += step) {
    assert.ok(nth < MOST_CALLS, 'a run needs no fault at some time')
    const kind = KINDS[(tried += 1) % KINDS.length] ?? 'eio'
    await goBack()
    const hit = await rig.faulty(kind, nth)
    spared = hit === null ? spared + 1 : 0
    await rig.mustBeCompleted(`${kind} at call ${nth}, ${hit}`)
  }
  return tried
}

test('a run that is killed before any call of its own is gone on with', async (t) => {
  const rig = await EveryCall.create(t, null)
  const moments = await rig.moments()
  for (const [n, moment] of moments.entries()) {
    await rig.goBack(moment)
    await rig.mustBeCompleted(`killed before call ${n + 1}`)
  }
  t.diagnostic(`${moments.length} calls`)
})

test('a run in which any call fails, or finds the disk full from there on, is made good by the next', async (t) => {
  const rig = await EveryCall.create(t, null)
  t.diagnostic(`${await faultAtEach(rig, () => rig.goBack(null))} calls`)
})

test('also one that goes on with a killed one', async (t) => {
  const rig = await EveryCall.create(t, null)
  const moments = await rig.moments()
  const middle = moments[Math.floor(moments.length * 0.6)] ?? null
  const calls = { ...ALL, first: 1 + Math.floor(Math.random() * 2), step: 2 }
  t.diagnostic(`${await faultAtEach(rig, () => rig.goBack(middle), calls)} calls from ${calls.first}`)
})

test('also while it reads the database: the dump is made anew, or is whole', async (t) => {
  const server = await startMariaDb()
  t.after(() => server.close())
  const { name } = await createViewerDatabase(server, { patients: 1 })
  const { socket, user, password } = server
  const rig = await EveryCall.create(t, { socket, user, password, name })
  const moments = (await rig.moments()).filter(({ isSent }) => !isSent)
  const calls = { first: 1 + Math.floor(Math.random() * 3), step: 3, last: moments.length }
  for (let n = calls.first; n <= calls.last; n += calls.step) {
    await rig.goBack(moments[n - 1]!)
    await rig.mustBeCompleted(`killed before call ${n}`)
  }
  await faultAtEach(rig, () => rig.goBack(null), calls)
  t.diagnostic(JSON.stringify(calls))
})
