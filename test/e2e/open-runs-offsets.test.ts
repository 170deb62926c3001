/** A run that was stopped with its destinations far apart, and what is found when the next run goes on with it. */
import assert from 'node:assert/strict'
import { appendFile, open, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Rig } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'
import { DRIVE, DROPBOX, mustBeDone, openRuns } from '../support/scenario.ts'
import { FILE_NAMES, stoppedRun } from '../support/stopped-run.ts'

const partialOf = async (rig: Rig): Promise<string> => {
  const [name = ''] = await readdir(rig.nas)
  assert.match(name, /\.zip\.partial$/)
  return path.join(rig.nas, name)
}
/** Asked what it holds, the service says that there is no such session. */
const goneAt =
  (service: 'dropbox' | 'drive') =>
  (rig: Rig): void => {
    rig[service].faults.add({ route: service === 'dropbox' ? 'append' : 'query', fault: { kind: 'session-gone' } })
  }

interface Case {
  readonly damage: (rig: Rig) => unknown
  /** How many bytes fewer than it had acknowledged each holds after it; `all`: it begins again. */
  readonly lost: Readonly<Record<string, number | 'all'>>
}

const CUT = 12_345

const CASES: Readonly<Record<string, Case>> = {
  'everything is as it was': { damage: () => undefined, lost: {} },
  'the Drive session is gone': {
    damage: goneAt('drive'),
    lost: { [DRIVE]: 'all' },
  },
  'the Dropbox session is gone': {
    damage: goneAt('dropbox'),
    lost: { [DROPBOX]: 'all' },
  },
  'the partial file is shorter': {
    damage: async (rig) => {
      const partial = await partialOf(rig)
      const handle = await open(partial, 'r+')
      const { size } = await handle.stat()
      await handle.truncate(size - CUT)
      await handle.close()
    },
    lost: { nas: CUT },
  },
  'the partial file is longer': { damage: async (rig) => appendFile(await partialOf(rig), 'more'), lost: {} },
  'the partial file is gone': { damage: async (rig) => rm(await partialOf(rig)), lost: { nas: 'all' } },
  'the partial file is empty': { damage: async (rig) => truncate(await partialOf(rig), 0), lost: { nas: 'all' } },
  'nothing is left anywhere': {
    damage: async (rig) => {
      goneAt('drive')(rig)
      goneAt('dropbox')(rig)
      await rm(await partialOf(rig))
    },
    lost: { [DROPBOX]: 'all', [DRIVE]: 'all', nas: 'all' },
  },
  'nothing is left anywhere, and the last parts are gone from the disk': {
    damage: async (rig) => {
      goneAt('drive')(rig)
      goneAt('dropbox')(rig)
      await rm(await partialOf(rig))
      for (const folder of await openRuns(rig)) await rm(path.join(folder, 'ring'))
    },
    lost: { [DROPBOX]: 'all', [DRIVE]: 'all', nas: 'all' },
  },
}

describe('the next run brings the same archive everywhere, and sends each destination what it lacks, when', () => {
  for (const [what, { damage, lost }] of Object.entries(CASES)) {
    test(what, async (t) => {
      const { rig, open: before, held } = await stoppedRun(t)
      await damage(rig)
      const here = await runHere(rig)
      await mustBeDone(rig, here)
      const { resumed, archive, destinations } = here.result
      assert.deepEqual([resumed, archive?.name], [true, before.archive])
      assert.deepEqual(
        destinations.map(({ name, bytesSent }) => [name, bytesSent]),
        destinations.map(({ name }) => {
          const less = lost[name] ?? 0
          return [name, archive!.bytes - (less === 'all' ? 0 : held.get(name)! - less)]
        }),
      )
    })
  }

  test('a byte of the partial file is another one: it is told, and sent again whole by the run after', async (t) => {
    const { rig, open: before } = await stoppedRun(t)
    const handle = await open(await partialOf(rig), 'r+')
    // Any other byte than is there: one of 256 random ones is whichever is written.
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 20_000_000)
    await handle.write(
      buffer.map((byte) => byte ^ 1),
      0,
      1,
      20_000_000,
    )
    await handle.close()
    const told = await runHere(rig)
    assert.equal(told.code, 3, JSON.stringify(told.result))
    assert.deepEqual([told.of('nas').error?.code, told.of(DRIVE).status], ['E_INTEGRITY', 'completed'])
    assert.deepEqual((await rig.visible()).filter((name) => name.endsWith('.zip')).length, 2, 'nothing damaged shows')
    const here = await runHere(rig)
    await mustBeDone(rig, here)
    assert.deepEqual(
      [here.result.archive?.name, here.of('nas').bytesSent],
      [before.archive, here.result.archive?.bytes],
    )
  })
})

describe('files that changed meanwhile', () => {
  const rewrite = async (rig: Rig, names: readonly string[]): Promise<void> => {
    for (const name of names) await writeFile(path.join(rig.root, name), `${name} is another one now`)
  }
  const loseRing = async (rig: Rig): Promise<void> => {
    for (const folder of await openRuns(rig)) await rm(path.join(folder, 'ring'))
  }

  test('come, as far as they were sent, from the copy that is complete first', async (t) => {
    const { rig, open: before, held } = await stoppedRun(t)
    // Dropbox lacks bytes of these; the folder has them all.
    await rewrite(rig, FILE_NAMES.slice(1, 2))
    await rm(path.join(rig.root, FILE_NAMES[2]!))
    await rig.put('new', 'comes with the next backup')
    await loseRing(rig)
    const here = await runHere(rig)
    await mustBeDone(rig, here)
    const { resumed, archive, destinations } = here.result
    assert.deepEqual([resumed, archive?.name], [true, before.archive])
    assert.deepEqual(
      destinations.map(({ name, bytesSent }) => [name, bytesSent]),
      destinations.map(({ name }) => [name, archive!.bytes - held.get(name)!]),
    )
  })

  test('come from the last parts on the disk when nobody has a whole copy yet', async (t) => {
    const { rig, open: before } = await stoppedRun(t)
    await rewrite(rig, FILE_NAMES.slice(1))
    const here = await runHere(rig)
    await mustBeDone(rig, here)
    assert.deepEqual([here.result.resumed, here.result.archive?.name], [true, before.archive])
  })

  test('and are nowhere any more make a new archive, in the same run, and leave nothing of the old one', async (t) => {
    const { rig, open: before } = await stoppedRun(t)
    await rewrite(rig, FILE_NAMES.slice(1))
    await rm(await partialOf(rig))
    goneAt('dropbox')(rig)
    goneAt('drive')(rig)
    await loseRing(rig)
    const here = await runHere(rig)
    await mustBeDone(rig, here)
    assert.equal(here.result.resumed, false)
    assert.notEqual(here.result.archive?.name, before.archive)
  })
})
