/** What the far sides do to a run: an archive of several requests to three destinations, and what it must come to. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import type { FaultRow, StandIn } from '../../src/stages/stand-ins/index.ts'
import type { Here } from './run-here.ts'
import { makeRig, type Rig, type Settings } from './rig.ts'
import { requestsOf } from './small-rig.ts'
import { traffic } from './traffic.ts'
import { READERS } from './zip-readers.ts'

export const MIB = 1024 * 1024
/** Of every request but the last. */
export const REQUEST_BYTES = 4 * MIB
export const DROPBOX = 'hospital-dropbox'
export const DRIVE = 'hospital-drive'

export type Service = 'dropbox' | 'drive'
export const SERVICES: readonly Service[] = ['dropbox', 'drive']
export const NAME_OF: Readonly<Record<Service, string>> = { dropbox: DROPBOX, drive: DRIVE }

/** Requests of an upload of three, the last of which makes the archive visible. */
export const REQUESTS = {
  dropbox: {
    'the first request': { route: 'append', nth: 1 },
    'a middle request': { route: 'append', nth: 2 },
    'the last request': { route: 'finish', nth: 1 },
  },
  drive: {
    'the first request': { route: 'chunk', nth: 1 },
    'a middle request': { route: 'chunk', nth: 2 },
    'the last request': { route: 'final', nth: 1 },
  },
} as const satisfies Record<Service, Record<string, Omit<FaultRow, 'fault'>>>

export type Place = keyof (typeof REQUESTS)['dropbox']
export const PLACES = Object.keys(REQUESTS.dropbox) as readonly Place[]

/** Two requests of 4 MiB and one of 1.4 MiB to each destination. */
export async function scenarioRig(
  t: Pick<TestContext, 'after'>,
  sections: Settings = {},
  driveOptions: Parameters<typeof makeRig>[2] = {},
): Promise<Rig> {
  const usual = requestsOf({ dropbox: REQUEST_BYTES, drive: REQUEST_BYTES, nas: REQUEST_BYTES })
  const rig = await makeRig(t, { ...usual, archive: { compression: 'store' }, ...sections }, driveOptions)
  for (let n = 0; n < 3; n += 1) await rig.put(`${n}.bin`, randomBytes(3_300_000))
  return rig
}

export const standInOf = (rig: Rig, service: Service): StandIn => (service === 'dropbox' ? rig.dropbox : rig.drive)

/**
 * One archive, the same bytes at each destination of the result, which every unzip would open; nothing else shows there,
 * and nothing of the run is left. The fault scripts are used up.
 */
export async function mustBeEverywhere(rig: Rig, { archive, destinations }: RunResult): Promise<void> {
  assert.ok(archive !== null)
  const { name, bytes } = archive
  assert.deepEqual(
    await rig.visible(),
    destinations.map(() => name),
    'the archive is at each destination once, and nothing else',
  )
  const copies = destinations.map(({ type }) => copyAt(rig, type, name))
  const [first = '', ...others] = copies
  const content = await readFile(first)
  assert.equal(content.length, bytes)
  for (const other of others) assert.ok(content.equals(await readFile(other)), 'the same bytes everywhere')
  await READERS['unzip']?.(first)
  await mustBeOver(rig)
}

/** The file in which a destination keeps an archive. */
export function copyAt(rig: Rig, type: string, name: string): string {
  if (type === 'local') return path.join(rig.nas, name)
  const { file } = standInOf(rig, type === 'dropbox' ? 'dropbox' : 'drive').objects()[0] ?? {}
  return file ?? `${name} is not at ${type}`
}

/** No run is open, and no fault was in vain. */
export async function mustBeOver(rig: Rig): Promise<void> {
  assert.deepEqual(await openRuns(rig), [], 'nothing of the run is left')
  assert.deepEqual([...rig.dropbox.faults.unused(), ...rig.drive.faults.unused()], [], 'every fault took effect')
}

/** Folders of runs that are open. */
export async function openRuns(rig: Rig): Promise<string[]> {
  const runs = path.join(rig.state, 'runs')
  return (await readdir(runs).catch(() => [])).map((name) => path.join(runs, name))
}

/** It is done: exit 0, and the archive is everywhere. */
export async function mustBeDone(rig: Rig, { code, result, log }: Here): Promise<void> {
  assert.equal(code, 0, `${JSON.stringify(result)}\n${log.join('\n')}`)
  await mustBeEverywhere(rig, result)
}

/** Bytes of the archive that a service received more than once, in all runs. */
export function sentAgain(rig: Rig, service: Service, { archive }: RunResult): number {
  return traffic(rig)[service] - (archive?.bytes ?? NaN)
}

/** The destinations that nothing happened to were sent each byte once. */
export function othersWereSentOnce(rig: Rig, service: Service, here: Here): void {
  const other: Service = service === 'dropbox' ? 'drive' : 'dropbox'
  assert.equal(sentAgain(rig, other, here.result), 0, `${other} was sent nothing twice`)
  assert.equal(here.of('nas').bytesSent, here.result.archive?.bytes, 'the folder was sent each byte once')
}
