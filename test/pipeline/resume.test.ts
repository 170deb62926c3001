import assert from 'node:assert/strict'
import { rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ByteWorld } from '../support/byte-source.ts'
import { digestOf } from '../support/digest-of.ts'
import { ringFile } from '../support/keeping.ts'
import { ResumeRig, type Ended, type Found } from '../support/resume-rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MIB = 1 << 20
/** Two parts and a short one: an entry ends where the first part does, and the second has no mark of its own. */
const ENTRIES = [1 * MIB, 3 * MIB, 4 * MIB + 7, MIB / 2]
const REQUESTS = [PART_BYTES, 3 * MIB, 2 * PART_BYTES]

interface Change {
  readonly name: string
  readonly ring: 'kept' | 'lost'
  readonly source: 'same' | 'changed at the end' | 'changed'
}

const CHANGES: readonly Change[] = [
  { name: 'with nothing changed', ring: 'kept', source: 'same' },
  { name: 'with what was sent last changed', ring: 'kept', source: 'changed at the end' },
  { name: 'with the ring deleted, or full of other bytes', ring: 'lost', source: 'same' },
  { name: 'with all files changed and the ring lost', ring: 'lost', source: 'changed' },
]

async function change(rig: ResumeRig, { ring, source }: Change, { made }: Found, killAt: number): Promise<void> {
  const file = ringFile(rig.folder)
  if (ring === 'lost' && killAt % 2 === 0) await rm(file)
  if (ring === 'lost' && killAt % 2 === 1) await writeFile(file, Buffer.alloc((await stat(file)).size, 0xaa))
  if (source === 'changed') rig.world.changeFrom(0)
  if (source === 'changed at the end') rig.world.changeFrom(rig.world.entryAt(made))
}

/** The source was asked for no more than it has to make again. */
function mustBeginRight({ source }: Ended, { made, isWhole, held }: Found, rig: ResumeRig, archive: Buffer): void {
  const lowest = Math.min(made, ...held.map((bytes) => bytes ?? 0))
  const begun = rig.world.segments.map(({ offset }) => offset)
  const markBefore = (offset: number): number => begun.findLast((at) => at <= offset) ?? 0
  const floor = markBefore(lowest - (lowest % PART_BYTES))
  for (const at of source.remakes) assert.ok(at >= floor, `made again from ${at}, ${floor} was enough`)
  const [beginning, ...others] = source.beginnings
  assert.deepEqual(others, [])
  if (isWhole) {
    assert.equal(beginning, undefined, 'a whole archive is not made again')
    return
  }
  assert.ok(beginning)
  assert.equal(beginning.end, made)
  const from = beginning.mark?.offset ?? 0
  assert.ok(from <= made && from >= markBefore(made - 1), `begun from ${from}`)
  if (beginning.between !== null) assert.ok(archive.subarray(from, made).equals(beginning.between))
}

function mustBeStoredEverywhere({ delivery }: Ended, rig: ResumeRig): Buffer {
  assert.deepEqual(
    delivery.outcomes.map(({ error }) => error),
    rig.far.map(() => null),
  )
  const [archive, ...others] = rig.objects()
  assert.ok(archive)
  for (const other of others) assert.ok(other?.equals(archive), 'the same everywhere')
  const digests = { contentHash: digestOf(archive, 'contentHash') }
  assert.deepEqual(delivery.whole, { bytes: archive.length, digests })
  return archive
}

describe('killed at any step, a later process goes on', () => {
  for (const what of CHANGES) {
    test(what.name, { timeout: 600_000 }, async (t) => {
      const root = await tempFolder(t)
      const came = { stored: 0, lost: 0, dead: 0 }
      for (let killAt = 1; ; killAt += 1) {
        const world = new ByteWorld(ENTRIES)
        const folder = path.join(root, String(killAt))
        const rig = new ResumeRig(folder, world, REQUESTS)
        const first = await rig.run({ killAt })
        if (!first.killed) {
          assert.ok(mustBeStoredEverywhere(first, rig).equals(world.whole()))
          assert.ok(killAt > 30, `the loop went through every step: ${killAt}`)
          break
        }
        const before = await rig.found()
        await change(rig, what, before, killAt)
        const second = await rig.run()
        const isLost =
          what.source === 'changed' && before.made > 0 && before.held.every((bytes) => (bytes ?? 0) < before.made)
        if (isLost) {
          came.lost += 1
          await mustBeHopeless(second, rig)
        } else {
          came.stored += 1
          const archive = mustBeStoredEverywhere(second, rig)
          mustBeginRight(second, before, rig, archive)
          if (what.source === 'same') assert.ok(archive.equals(world.whole()), 'as if nothing had happened')
          else world.mustStandIn(archive)
          if (archive.length > world.whole().length) came.dead += 1
          for (const [n, sent] of rig.sent.entries()) {
            const allowed = archive.length + (REQUESTS[n] ?? 0)
            assert.ok(sent >= archive.length && sent <= allowed, `d${n} was sent ${sent}, killed at ${killAt}`)
          }
        }
        await rm(folder, { recursive: true })
      }
      assert.ok(came.stored > 0)
      assert.equal(came.lost > 0, what.source === 'changed')
      // Nobody holds all that was made before its end is known: without the ring there is nothing to go on from.
      assert.equal(came.dead > 0, what.source === 'changed at the end')
    })
  }
})

/** No bytes are left that they could go on with: told, noted, and nothing shows anywhere. */
async function mustBeHopeless({ delivery }: Ended, rig: ResumeRig): Promise<void> {
  for (const { error } of delivery.outcomes) assert.equal(error?.code, 'E_SOURCE')
  assert.deepEqual(
    rig.objects(),
    rig.far.map(() => undefined),
  )
  const { uploads } = await rig.found()
  for (const { name } of rig.far) assert.equal(uploads.get(name)?.hopeless, true)
}
