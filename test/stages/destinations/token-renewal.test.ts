/** Access tokens that expire while calls are under way: one renewal for all of them, also when it fails at first. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { html } from '../../../src/stages/stand-ins/answer.ts'
import type { StandIn } from '../../../src/stages/stand-ins/types.ts'
import * as dropbox from './dropbox-far-side.ts'
import * as drive from './google-drive-far-side.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }

interface FarSide {
  readonly standIn: StandIn
  readonly destination: Destination
}

const services: Record<string, (t: dropbox.Cleanup) => Promise<FarSide>> = {
  Dropbox: async (t) => {
    const { standIn, open } = await dropbox.startDropbox(t)
    return { standIn, destination: open(dropbox.RENEWABLE) }
  },
  'Google Drive': async (t) => await drive.startDrive(t),
}

for (const [service, start] of Object.entries(services)) {
  describe(`${service}: a token that expires in the middle of a run`, () => {
    const setUp = async (t: dropbox.Cleanup) => {
      const { standIn, destination } = await start(t)
      const retried = withRetry(destination, { policy })
      const uploads = await Promise.all(['a', 'b', 'c', 'd'].map((name) => retried.begin(`${name}.zip`, never)))
      assert.equal(standIn.requests.count('token'), 1)
      const unit = uploads[0]?.requests.multiple ?? 0
      const appendAll = (): Promise<number[]> =>
        Promise.all(uploads.map((upload) => upload.append(0, [Buffer.alloc(unit)], never)))
      return { standIn, unit, appendAll }
    }

    test('is renewed once by four calls at once', async (t) => {
      const { standIn, unit, appendAll } = await setUp(t)
      standIn.expireTokens()
      assert.deepEqual(await appendAll(), [unit, unit, unit, unit])
      assert.equal(standIn.requests.count('token'), 2)
    })

    test('is renewed once more after the renewal met a fault, which the four share', async (t) => {
      const { standIn, unit, appendAll } = await setUp(t)
      // The one that fails waits for all four to have been refused.
      standIn.faults.add(
        { route: 'token', fault: { kind: 'delay', ms: 300, at: 'arrival' } },
        { route: 'token', fault: { kind: 'answer', answer: html(503) } },
      )
      standIn.expireTokens()
      assert.deepEqual(await appendAll(), [unit, unit, unit, unit])
      assert.equal(standIn.requests.count('token'), 3, 'the first, the one that failed, and one more')
    })
  })
}
