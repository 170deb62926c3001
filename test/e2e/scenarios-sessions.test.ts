/** What happens to a session, a sign-in and stored bytes in the middle of an upload. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { driveAnswers, dropboxAnswers, empty, type FaultRow } from '../../src/stages/stand-ins/index.ts'
import { DROPBOX_REFRESH_TOKEN, type Settings } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'
import {
  mustBeDone,
  NAME_OF,
  othersWereSentOnce,
  PLACES,
  REQUEST_BYTES,
  REQUESTS,
  scenarioRig,
  sentAgain,
  SERVICES,
  standInOf,
} from '../support/scenario.ts'
import { requestsOf } from '../support/small-rig.ts'

/** They wait more than they work. */
const atOnce = { concurrency: 4 }

/** Dropbox with a sign-in that can be renewed. */
function renewable(): Settings {
  const { destinations } = requestsOf({ dropbox: REQUEST_BYTES, drive: REQUEST_BYTES, nas: REQUEST_BYTES })
  const [dropbox, ...others] = destinations as readonly Settings[]
  const { accessToken: _, ...rest } = dropbox ?? {}
  return { destinations: [{ ...rest, refreshToken: DROPBOX_REFRESH_TOKEN, appKey: 'app-key' }, ...others] }
}

for (const service of SERVICES) {
  describe(
    `a sign-in to ${service} that ends in the middle of an upload is renewed, and the upload goes on`,
    atOnce,
    () => {
      const refused =
        service === 'dropbox' ? dropboxAnswers.unauthorized('expired_access_token') : driveAnswers.unauthorized()
      const cases: Readonly<Record<string, { readonly rows: readonly FaultRow[]; readonly renewals: number }>> = {
        'although it was said to last longer': { rows: [], renewals: 2 },
        'while the token endpoint is down': {
          rows: [
            { route: 'token', nth: 2, fault: { kind: 'answer', answer: empty(503) } },
            { route: 'token', nth: 3, fault: { kind: 'lost' } },
          ],
          renewals: 4,
        },
        'while the token endpoint is slow': {
          rows: [{ route: 'token', nth: 2, fault: { kind: 'delay', ms: 1500 } }],
          renewals: 2,
        },
      }
      for (const [what, { rows, renewals }] of Object.entries(cases)) {
        for (const place of PLACES) {
          test(`${what}: at ${place}`, async (t) => {
            const rig = await scenarioRig(t, renewable())
            const standIn = standInOf(rig, service)
            standIn.faults.add({ ...REQUESTS[service][place], fault: { kind: 'expired' } }, ...rows)
            const here = await runHere(rig)
            await mustBeDone(rig, here)
            othersWereSentOnce(rig, service, here)
            assert.ok(sentAgain(rig, service, here.result) <= REQUEST_BYTES)
            assert.equal(standIn.requests.count('token'), renewals)
          })
        }
      }

      test('and a 401 before the body is read costs no byte', async (t) => {
        const rig = await scenarioRig(t, renewable())
        const fault = { kind: 'answer', answer: refused, at: 'arrival' } as const
        standInOf(rig, service).faults.add({ ...REQUESTS[service]['a middle request'], fault })
        const here = await runHere(rig)
        await mustBeDone(rig, here)
        assert.equal(sentAgain(rig, service, here.result), 0)
      })
    },
  )

  describe(
    `an upload to ${service} whose session is gone begins again by itself, and drags nobody along`,
    atOnce,
    () => {
      for (const place of PLACES) {
        test(`at ${place}`, async (t) => {
          const rig = await scenarioRig(t)
          standInOf(rig, service).faults.add({ ...REQUESTS[service][place], fault: { kind: 'session-gone' } })
          const here = await runHere(rig)
          await mustBeDone(rig, here)
          othersWereSentOnce(rig, service, here)
          const { bytes } = here.result.archive!
          assert.ok(here.of(NAME_OF[service]).bytesSent <= 2 * bytes)
          const begun = service === 'dropbox' ? rig.dropbox.requests.count('start') : rig.drive.requests.count('begin')
          assert.equal(begun, 2)
        })
      }

      test('also when it has lost what it had acknowledged', async (t) => {
        const rig = await scenarioRig(t)
        const fault = { kind: 'forget', bytes: 1024 * 1024 } as const
        standInOf(rig, service).faults.add({ ...REQUESTS[service]['a middle request'], fault })
        const here = await runHere(rig)
        await mustBeDone(rig, here)
        othersWereSentOnce(rig, service, here)
      })
    },
  )

  describe(`a byte that ${service} stores flipped`, atOnce, () => {
    for (const place of PLACES) {
      test(`at ${place}: it is told, removed, and sent again whole by the next run`, async (t) => {
        const rig = await scenarioRig(t)
        standInOf(rig, service).faults.add({ ...REQUESTS[service][place], fault: { kind: 'flip' } })
        const first = await runHere(rig)
        const name = NAME_OF[service]
        // Dropbox is sent a hash with each request, and takes none that is damaged on its way.
        assert.equal(first.code, 3, JSON.stringify(first.result))
        assert.equal(first.of(name).error?.code, 'E_INTEGRITY')
        assert.match(first.of(name).error?.message ?? '', /not what was sent.*\./)
        assert.deepEqual(standInOf(rig, service).objects(), [], 'nothing damaged is left')
        othersWereSentOnce(rig, service, first)

        const second = await runHere(rig)
        await mustBeDone(rig, second)
        assert.deepEqual([second.result.resumed, second.result.archive], [true, first.result.archive])
        const sent = second.result.destinations.map((one) => [one.name, one.bytesSent])
        const bytes = first.result.archive!.bytes
        assert.deepEqual(
          sent,
          second.result.destinations.map((one) => [one.name, one.name === name ? bytes : 0]),
        )
      })
    }
  })
}
