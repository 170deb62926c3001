/** An account that is full costs only its own copy; after space is made the next run completes that one. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault } from '../../src/stages/stand-ins/index.ts'
import { runHere } from '../support/run-here.ts'
import {
  mustBeDone,
  NAME_OF,
  openRuns,
  othersWereSentOnce,
  PLACES,
  REQUESTS,
  scenarioRig,
  standInOf,
  type Place,
  type Service,
} from '../support/scenario.ts'

const FULL: Fault = { kind: 'quota-full' }
/** What is sent when there is room again: Google ends the session of an upload that it refuses, so all of it is sent again. */
const CASES: readonly (readonly [service: Service, place: Place, sentBy: 'nothing' | 'all'])[] = [
  ...PLACES.map((place) => ['dropbox', place, 'nothing'] as const),
  ...PLACES.map((place) => ['drive', place, 'all'] as const),
]

describe('an account that gets full', () => {
  for (const [service, place, sentBy] of CASES) {
    test(`${service}, at ${place}: exit 3, and when there is room only what is lacking is sent`, async (t) => {
      const rig = await scenarioRig(t, {}, { quotaChecks: ['begin', 'chunk'] })
      const standIn = standInOf(rig, service)
      const name = NAME_OF[service]
      standIn.faults.add({ ...REQUESTS[service][place], fault: FULL })
      const first = await runHere(rig)
      assert.equal(first.code, 3, JSON.stringify(first.result))
      assert.equal(first.of(name).error?.code, 'E_QUOTA')
      assert.match(first.of(name).error?.message ?? '', /no room left.*Free space/)
      othersWereSentOnce(rig, service, first)
      assert.equal((await rig.visible()).length, 2)
      assert.equal((await openRuns(rig)).length, 1)

      const still = await runHere(rig, { mode: 'resume' })
      assert.deepEqual([still.code, still.result.resumed, still.result.archive], [3, true, first.result.archive])
      assert.equal(still.of(name).error?.code, 'E_QUOTA')

      standIn.quotaBytes = null
      const next = await runHere(rig)
      await mustBeDone(rig, next)
      assert.deepEqual([next.result.resumed, next.result.archive], [true, first.result.archive])
      const bytes = first.result.archive!.bytes
      for (const one of next.result.destinations) {
        if (one.name !== name) assert.equal(one.bytesSent, 0, `${one.name} has it already`)
      }
      const sent = next.of(name).bytesSent
      if (sentBy === 'all') assert.equal(sent, bytes, 'the session was ended')
      else assert.ok(sent <= bytes % (4 * 1024 * 1024), `${sent}: all but the end is there`)
    })
  }
})
