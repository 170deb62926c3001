/** Reading a stored archive back from the services, with faults on the way: the right bytes, or a clear error. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { DROPBOX_ORIGINS } from '../../../src/stages/destinations/dropbox/settings.ts'
import { createTransport } from '../../../src/stages/http/transport.ts'
import type { TransportOptions } from '../../../src/stages/http/types.ts'
import { html } from '../../../src/stages/stand-ins/answer.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import type { StandIn } from '../../../src/stages/stand-ins/types.ts'
import { atSomeScale } from '../../support/some-scale.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import * as dropbox from './dropbox-far-side.ts'
import * as drive from './google-drive-far-side.ts'
import { readAll, rejects } from './reading.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }
const MIB = 1024 * 1024

type Start = (t: TestContext) => Promise<{
  readonly standIn: StandIn
  readonly destination: Destination
  /** Another destination to the same account, through a transport of its own. */
  readonly through: (options: TransportOptions) => Destination
}>

const originsOf = (real: readonly string[], { origin }: StandIn): Record<string, string> =>
  Object.fromEntries(real.map((one) => [one, origin]))

const tooMany: Fault = {
  kind: 'answer',
  answer: { status: 429, headers: { 'content-type': 'text/plain', 'retry-after': '0' }, body: 'Too many requests' },
}

const services: Record<string, Start> = {
  Dropbox: async (t) => {
    const { standIn, open } = await dropbox.startDropbox(t, { storage: { folder: await tempFolder(t) } })
    const origins = originsOf(DROPBOX_ORIGINS, standIn)
    const through = (options: TransportOptions): Destination =>
      open(dropbox.RENEWABLE, () => createTransport({ ...options, origins }))
    return { standIn, destination: open(dropbox.RENEWABLE), through }
  },
  'Google Drive': async (t) => {
    const { standIn, open, destination } = await drive.startDrive(t, { storage: { folder: await tempFolder(t) } })
    const origins = originsOf(['https://www.googleapis.com', 'https://oauth2.googleapis.com'], standIn)
    const through = (options: TransportOptions): Destination => open({}, () => createTransport({ ...options, origins }))
    return { standIn, destination, through }
  },
}

for (const [service, start] of Object.entries(services)) {
  const stored = async (t: TestContext, data: Buffer) => {
    const { standIn, destination, through } = await start(t)
    const upload = await destination.begin('a.zip', never)
    const digest = new ObjectDigest()
    digest.update(data)
    const commit = { offset: 0, tail: [data], bytes: data.length, digests: digest.digests() }
    const object = await upload.commit(commit, never)
    return { standIn, destination, through, object }
  }

  describe(`${service}: reading an archive back`, () => {
    test('passing faults are for trying again, and the wrapper goes on behind what came', async (t) => {
      const data = randomBytes(3 * MIB)
      const { standIn, destination, object } = await stored(t, data)
      const faults: Fault[] = [
        { kind: 'answer', answer: html(503) },
        { kind: 'answer', answer: html(200) },
        tooMany,
        { kind: 'lost' },
        { kind: 'cut', afterBytes: 1 },
        { kind: 'cut', afterBytes: MIB + 7 },
      ]
      for (const fault of [...faults, { kind: 'cut', afterBytes: data.length - 1 } as const]) {
        standIn.faults.add({ route: 'download', fault })
        await rejects('E_DESTINATION', 'retry', readAll(destination, object))
        standIn.faults.add({ route: 'download', fault })
        assert.ok((await readAll(withRetry(destination, { policy }), object)).equals(data))
      }
      // All of them, one after the other, on one read.
      faults.forEach((fault, n) => {
        standIn.faults.add({ route: 'download', nth: n + 1, fault })
      })
      assert.ok((await readAll(withRetry(destination, { policy }), object, 5)).equals(data.subarray(5)))
    })

    test('a line that goes silent in the middle is told as standing still', async (t) => {
      const data = randomBytes(8 * MIB)
      const { standIn, destination, through, object } = await stored(t, data)
      const reading = through({ stallMs: 1000 }).read(object, { from: 0, to: data.length }, never)
      const error = await rejects(
        'E_DESTINATION',
        'retry',
        (async () => {
          for await (const _ of reading) standIn.pause()
        })(),
      )
      assert.match(error.message, / stalled\.$/)
      standIn.resume()
      assert.ok((await readAll(destination, object)).equals(data))
    })

    test('a reader that takes its time is no silent line', async (t) => {
      const data = randomBytes(2 * MIB)
      const { through, object } = await stored(t, data)
      await atSomeScale(async (scale) => {
        const chunks: Buffer[] = []
        const destination = through({ stallMs: 750 * scale })
        for await (const chunk of destination.read(object, { from: 0, to: data.length }, never)) {
          if (chunks.length < 1) await sleep(1000 * scale)
          chunks.push(Buffer.from(chunk))
        }
        assert.ok(Buffer.concat(chunks).equals(data))
      })
    })

    test('a token that expires is renewed, and the range asked for again', async (t) => {
      const data = randomBytes(MIB)
      const { standIn, destination, object } = await stored(t, data)
      const before = standIn.requests.count('token')
      standIn.faults.add({ route: 'download', fault: { kind: 'expired' } })
      assert.ok((await readAll(destination, object, 9)).equals(data.subarray(9)))
      assert.equal(standIn.requests.count('token'), before + 1)
    })

    test('a connection whose range was read to its end is used again', async (t) => {
      const data = randomBytes(MIB)
      const { destination, object: whole } = await stored(t, data)
      const before = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
      for (let n = 0; n < 20; n += 1) await readAll(destination, whole, n, data.length)
      const after = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
      assert.ok(after <= before, `${before} sockets before, ${after} after`)
    })
  })
}
