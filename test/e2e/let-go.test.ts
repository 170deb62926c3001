/** A service that stops reading does not keep the others from theirs, nor take memory; when it reads again it gets its copy. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { Progress } from '../../src/pipeline/contract/progress.ts'
import { collectGarbage } from '../support/collect-garbage.ts'
import { putZeros } from '../support/held-up.ts'
import { makeRig } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'
import { MIB, mustBeDone, NAME_OF, sentAgain, SERVICES, standInOf } from '../support/scenario.ts'
import { requestsOf } from '../support/small-rig.ts'

const FILES = 12
const FILE_BYTES = 24 * MIB

for (const service of SERVICES) {
  test(`${service} stops reading: the others finish, in bounded memory; it is completed in the same run`, async (t) => {
    const rig = await makeRig(t, {
      ...requestsOf({ dropbox: 4 * MIB, drive: 4 * MIB, nas: 4 * MIB }),
      archive: { compression: 'store' },
    })
    await rig.put('0 first', 'x')
    for (let n = 0; n < FILES; n += 1) await putZeros(rig, `large ${n}`, FILE_BYTES)
    const standIn = standInOf(rig, service)
    const route = service === 'dropbox' ? 'append' : 'chunk'
    let progress: Progress | null = null
    let mostBuffers = 0
    const stateOf = (name: string): string | undefined => progress?.destinations.find((one) => one.name === name)?.state
    const watch = async (): Promise<readonly string[]> => {
      while (standIn.requests.count(route) < 2) await sleep(1)
      standIn.pause()
      const others = (): readonly string[] =>
        (progress?.destinations ?? []).filter(({ name }) => name !== NAME_OF[service]).map(({ state }) => state)
      for (let n = 0; n < 20_000 && others().some((state) => state !== 'completed'); n += 1) {
        // What the stand-ins, in this process, have received and dropped is no one's.
        if (n % 25 === 0) {
          collectGarbage()
          mostBuffers = Math.max(mostBuffers, process.memoryUsage().arrayBuffers)
        }
        await sleep(2)
      }
      const states = [...others(), stateOf(NAME_OF[service]) ?? '']
      standIn.resume()
      return states
    }
    const watching = watch()
    const here = await runHere(rig, { onProgress: (counters) => (progress = counters) })
    assert.deepEqual(await watching, ['completed', 'completed', 'sending'], 'it alone is not done')
    await mustBeDone(rig, here)
    assert.equal(sentAgain(rig, service, here.result), 0, 'it was sent each byte once')
    // The window, a request of the one that was let go, and what the stand-ins themselves have in their hands; not the archive.
    t.diagnostic(`${Math.round(mostBuffers / MIB)} MiB of buffers at most`)
    assert.ok(mostBuffers < 150 * MIB, `${Math.round(mostBuffers / MIB)} MiB of ${here.result.archive!.bytes / MIB}`)
  })
}
