import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Destination, Upload } from '../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ByteWorld } from '../support/byte-source.ts'
import { ResumeRig, type Ended } from '../support/resume-rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MIB = 1 << 20
/** So few that only the archive's end is on the disk. */
const slots = 2
const full = (): Promise<never> => Promise.reject(new BackupError('E_QUOTA', 'It is full.'))

/** `d0` fails in its commit, and `d1` after its first requests. */
function failing(inner: Destination): Destination {
  return {
    ...inner,
    begin: async (object, signal) => failingUpload(inner.name, await inner.begin(object, signal)),
    async resume(token, acknowledged, signal) {
      const { upload, held } = await inner.resume(token, acknowledged, signal)
      return { upload: failingUpload(inner.name, upload), held }
    },
  }
}

function failingUpload(name: string, upload: Upload): Upload {
  if (name === 'd0') return { ...upload, commit: full }
  return { ...upload, append: (offset, ...rest) => (offset > 5 * MIB ? full() : upload.append(offset, ...rest)) }
}

const codes = ({ delivery }: Ended): (string | undefined)[] => delivery.outcomes.map(({ error }) => error?.code)

/** `d0` lacks the archive's end, `d1` most of it, and all files are others since. */
async function changedSince(t: TestContext): Promise<{ readonly rig: ResumeRig; readonly archive: Buffer }> {
  const world = new ByteWorld([1 * MIB, 7 * MIB, 9 * MIB, 7 * MIB])
  const rig = new ResumeRig(await tempFolder(t), world, [PART_BYTES, 2 * MIB])
  assert.deepEqual(codes(await rig.run({ wrap: failing, slots })), ['E_QUOTA', 'E_QUOTA'])
  const archive = world.whole()
  world.changeFrom(0)
  return { rig, archive }
}

const isHopeless = async (rig: ResumeRig, name: string): Promise<boolean | undefined> =>
  (await rig.found()).uploads.get(name)?.hopeless

describe('a destination whose bytes are gone', { timeout: 600_000 }, () => {
  test('is brought up from the copy of another that gets there in the same process', async (t) => {
    const { rig, archive } = await changedSince(t)
    assert.deepEqual(codes(await rig.run({ slots })), [undefined, undefined])
    for (const object of rig.objects()) assert.ok(object?.equals(archive))
    assert.ok(rig.far[0]?.calls.includes('read'))
  })

  test('is not given up while another may still get there, in a later process', async (t) => {
    const { rig, archive } = await changedSince(t)
    assert.deepEqual(codes(await rig.run({ wrap: failing, slots })), ['E_QUOTA', 'E_SOURCE'])
    assert.equal(await isHopeless(rig, 'd1'), false)
    assert.deepEqual(codes(await rig.run({ slots })), [undefined, undefined])
    for (const object of rig.objects()) assert.ok(object?.equals(archive))
  })

  test('is not given up while another has it that this run does not go to', async (t) => {
    const { rig, archive } = await changedSince(t)
    assert.deepEqual(codes(await rig.run({ slots, to: ['d0'] })), [undefined])
    assert.deepEqual(codes(await rig.run({ slots, to: ['d1'] })), ['E_SOURCE'])
    assert.equal(await isHopeless(rig, 'd1'), false)
    assert.deepEqual(codes(await rig.run({ slots })), [undefined, undefined])
    assert.ok(rig.objects()[1]?.equals(archive))
  })

  test('is given up when the copy that there was is gone, too', async (t) => {
    const { rig } = await changedSince(t)
    assert.deepEqual(codes(await rig.run({ slots, to: ['d0'] })), [undefined])
    const never = new AbortController().signal
    const stored = await rig.far[0]?.stat('a.zip', never)
    assert.ok(stored)
    await rig.far[0]?.remove(stored, never)
    assert.deepEqual(codes(await rig.run({ slots })), [undefined, 'E_SOURCE'])
    assert.equal(await isHopeless(rig, 'd1'), true)
    assert.equal(rig.objects()[1], undefined)
  })
})
