/** A run that was stopped when its three destinations were far apart. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import type { Progress } from '../../src/pipeline/contract/progress.ts'
import { PartWindow } from '../../src/pipeline/window/window.ts'
import { listOpenRuns } from '../../src/stages/backup/open-runs.ts'
import type { InterruptedRun } from '../../src/stages/contract/results.ts'
import type { Fault } from '../../src/stages/stand-ins/index.ts'
import { makeRig, type Rig } from './rig.ts'
import { runHere, type Here } from './run-here.ts'
import { MIB } from './scenario.ts'
import { requestsOf } from './small-rig.ts'

export interface StoppedRun {
  readonly rig: Rig
  readonly open: InterruptedRun
  /** Bytes that each destination held, by name. */
  readonly held: ReadonlyMap<string, number>
}

/** In the order of the archive: streamed, then read whole, then streamed again. Bytes. */
const SIZES = [12, 3, 3, 3, 12, 12, 12, 12].map((size) => size * MIB)

/** So much of the archive is made when the run is stopped. */
const MADE_BYTES = 60 * MIB

/** Names of the archive folder's files, in the order of the archive. */
export const FILE_NAMES = ['0 first', ...SIZES.map((_, n) => `file ${n}`)]

/**
 * 69 MiB, of which Dropbox has 8, Drive 12, and the folder more than the window holds, when the run is stopped. Nobody
 * has all of it.
 */
export async function stoppedRun(t: Pick<TestContext, 'after' | 'mock'>): Promise<StoppedRun> {
  const rig = await makeRig(t, {
    ...requestsOf({ dropbox: 4 * MIB, drive: 4 * MIB, nas: 4 * MIB }),
    archive: { compression: 'store' },
  })
  await rig.put('0 first', 'x')
  for (const [n, size] of SIZES.entries()) await rig.put(`file ${n}`, randomBytes(size))
  // The requests under way when it is stopped come to their end.
  const stopped = Promise.withResolvers<undefined>()
  const fault: Fault = { kind: 'held', until: stopped.promise }
  rig.dropbox.faults.add({ route: 'append', nth: 2, fault })
  rig.drive.faults.add({ route: 'chunk', nth: 3, fault })
  // However slow the folder is: the archive is not made to its end before.
  const put = Reflect.get(PartWindow.prototype, 'put')
  const gate = t.mock.method(
    PartWindow.prototype,
    'put',
    async function (this: PartWindow, ...given: Parameters<PartWindow['put']>) {
      if (given[0].offset >= MADE_BYTES) await stopped.promise
      await put.apply(this, given)
    },
  )
  const areHeld = (): boolean => rig.dropbox.faults.unused().length + rig.drive.faults.unused().length === 0
  const enough = ({ destinations }: Progress): boolean => areHeld() && (destinations[2]?.held ?? 0) > 52 * MIB
  const here = await stopWhen(rig, enough, () => {
    stopped.resolve(undefined)
  })
  gate.mock.restore()
  rig.dropbox.faults.clear()
  rig.drive.faults.clear()
  assert.equal(here.code, 130, JSON.stringify(here.result))
  const [open] = await listOpenRuns(rig.state)
  assert.ok(open !== undefined && !open.whole)
  const held = new Map(open.destinations.map(({ name, heldBytes }) => [name, heldBytes]))
  const [dropbox = 0, drive = 0, nas = 0] = held.values()
  assert.ok(dropbox < drive && drive < nas && nas <= open.archiveBytes, `far apart: ${JSON.stringify([...held])}`)
  return { rig, open, held }
}

/** A run that is stopped as soon as its counters are such; then `onStop` is called. */
export async function stopWhen(
  rig: Rig,
  isTime: (progress: Progress) => boolean,
  onStop: () => void = () => undefined,
): Promise<Here> {
  const stop = new AbortController()
  let counters: Progress | null = null
  let isOver = false
  const watch = async (): Promise<void> => {
    while (!isOver && (counters === null || !isTime(counters))) await sleep(1)
    stop.abort()
    onStop()
  }
  const watching = watch()
  try {
    return await runHere(rig, { signal: stop.signal, onProgress: (progress) => (counters = progress) })
  } finally {
    isOver = true
    await watching
  }
}
