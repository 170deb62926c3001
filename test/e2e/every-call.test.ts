/**
 * Whichever call to the file system is the last of a process, or fails, the next run makes the archive whole. In this
 * process and without services: so small that each call can be tried. test/long tries them in processes of their own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EveryCall } from '../support/every-call.ts'

const KINDS = ['eio', 'enospc'] as const
/** Far more than such a run has. */
const MOST_CALLS = 1000

/** At every call one kind of fault, at the next call another: until a run needs none. */
async function faultAtEach(rig: EveryCall, goBack: () => Promise<void>): Promise<number> {
  let nth = 1
  for (let spared = 0; spared < KINDS.length; nth += 1) {
    assert.ok(nth < MOST_CALLS, 'a run needs no fault at some time')
    const kind = KINDS[nth % KINDS.length] ?? 'eio'
    await goBack()
    const hit = await rig.faulty(kind, nth)
    spared = hit === null ? spared + 1 : 0
    await rig.mustBeCompleted(`${kind} at call ${nth}, ${hit}`)
  }
  return nth - 1 - KINDS.length
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
  t.diagnostic(`${await faultAtEach(rig, () => rig.goBack(middle))} calls`)
})
