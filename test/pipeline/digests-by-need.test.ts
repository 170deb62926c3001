import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, test, type TestContext } from 'node:test'
import { type DigestName, PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ObjectDigest } from '../../src/pipeline/contract/digests.ts'
import { ByteWorld } from '../support/byte-source.ts'
import { openKeeping, ringFile } from '../support/keeping.ts'
import type { Call } from '../support/observed.ts'
import { OBJECT, ResumeRig } from '../support/resume-rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** Three parts and a short one, in two entries. */
const world = (): ByteWorld => new ByteWorld([PART_BYTES + 7, 2 * PART_BYTES + 100])

async function rigOf(t: TestContext, proofs: readonly DigestName[]): Promise<ResumeRig> {
  return new ResumeRig(
    await tempFolder(t),
    world(),
    proofs.map(() => PART_BYTES),
    proofs.map((proof) => ({ proof })),
  )
}

function digestsOf(bytes: Buffer): Readonly<Record<DigestName, string>> {
  const digest = new ObjectDigest()
  digest.update(bytes)
  return digest.digests()
}

/** What the journal has of the digests: of the archive that is whole, else as far as it was made. */
async function noted({ folder }: ResumeRig): Promise<string[]> {
  const runStore = await openKeeping(folder)
  const { whole, made } = runStore.record.state
  await runStore.close()
  return Object.keys(whole?.digests ?? made.digest ?? {}).sort()
}

const atSecondPart = ({ name, answered }: Call): boolean => name === 'append' && answered

describe('digests are made for those who need them', () => {
  test('by the content hash alone nothing else is made', async (t) => {
    const rig = await rigOf(t, ['contentHash', 'contentHash'])
    const { delivery } = await rig.run()
    const { contentHash } = digestsOf(rig.world.whole())
    assert.deepEqual(delivery.whole?.digests, { contentHash })
    assert.deepEqual(await noted(rig), ['contentHash'])
  })

  test('a destination of another one gets its own beside it', async (t) => {
    const rig = await rigOf(t, ['contentHash', 'md5'])
    const { delivery } = await rig.run()
    assert.deepEqual(delivery.whole?.digests, digestsOf(rig.world.whole()))
    assert.deepEqual(
      delivery.outcomes.map(({ stored }) => stored?.digest),
      [delivery.whole?.digests.contentHash, delivery.whole?.digests.md5],
    )
  })

  test('one that is to have the archive at another time is thought of from the start', async (t) => {
    const rig = await rigOf(t, ['contentHash', 'md5'])
    await rig.run({ to: ['d0'], digests: ['md5'] })
    assert.deepEqual(await noted(rig), ['contentHash', 'md5'])
  })
})

describe('a resumed run with other destinations', () => {
  test('carries to the end what its journal has, for whoever needs it later', async (t) => {
    const rig = await rigOf(t, ['contentHash', 'md5'])
    await rig.run({ killWhen: atSecondPart })
    assert.deepEqual(await noted(rig), ['contentHash', 'md5'])
    const { delivery } = await rig.run({ to: ['d0'] })
    assert.deepEqual(delivery.whole?.digests, digestsOf(rig.world.whole()))
    const later = await rig.run({ to: ['d1'] })
    assert.equal(later.delivery.outcomes[0]?.stored?.digest, delivery.whole?.digests.md5)
  })

  for (const when of ['partly made', 'whole'] as const) {
    for (const ring of ['kept', 'lost'] as const) {
      test(`proves itself by a digest that nobody needed while the archive was made (${when}, ring ${ring})`, async (t) => {
        const rig = await rigOf(t, ['contentHash', 'md5'])
        await rig.run({ to: ['d0'], ...(when === 'whole' ? {} : { killWhen: atSecondPart }) })
        assert.deepEqual(await noted(rig), ['contentHash'])
        if (ring === 'lost') await rm(ringFile(rig.folder))
        const { delivery } = await rig.run()
        assert.deepEqual(
          delivery.outcomes.map(({ error }) => error),
          [null, null],
        )
        const { md5 } = digestsOf(rig.world.whole())
        assert.equal(delivery.outcomes[1]?.stored?.digest, md5)
        assert.deepEqual(await noted(rig), ['contentHash', 'md5'], 'it is noted for the next who needs it')
      })
    }
  }

  for (const ring of ['kept', 'lost'] as const) {
    test(`finds by it the object that an earlier process had stored there (ring ${ring})`, async (t) => {
      const rig = await rigOf(t, ['contentHash', 'md5'])
      await rig.run({ to: ['d0'] })
      if (ring === 'lost') await rm(ringFile(rig.folder))
      const other = rig.far[1]
      assert.ok(other)
      const never = new AbortController().signal
      const bytes = rig.world.whole()
      const upload = await other.begin(OBJECT, never)
      await upload.commit({ offset: 0, tail: [bytes], bytes: bytes.length, digests: digestsOf(bytes) }, never)
      const { delivery, calls } = await rig.run()
      assert.equal(delivery.outcomes[1]?.stored?.digest, digestsOf(bytes).md5)
      assert.deepEqual(
        calls.filter(({ name, destination }) => destination === 'd1' && name === 'begin'),
        [],
        'nothing is sent again',
      )
    })
  }

  test('whose bytes nobody can bring any more fails for that destination alone', async (t) => {
    const rig = await rigOf(t, ['contentHash', 'md5'])
    await rig.run({ to: ['d0'] })
    const far = rig.far[1]
    assert.ok(far)
    await rm(ringFile(rig.folder))
    rig.world.changeFrom(0)
    // Where the only copy was, nothing is any more.
    const [first] = rig.far
    const never = new AbortController().signal
    const stored = await first?.stat(OBJECT, never)
    if (stored != null) await first?.remove(stored, never)
    const { delivery } = await rig.run()
    assert.equal(delivery.failure, null)
    assert.equal(delivery.outcomes[0]?.error, null)
    assert.equal(delivery.outcomes[1]?.error?.code, 'E_SOURCE')
  })
})
