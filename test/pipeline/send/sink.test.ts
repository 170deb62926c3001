import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Destination, Upload } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest, PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { Journal } from '../../../src/pipeline/journal/journal.ts'
import { RunState } from '../../../src/pipeline/journal/run-record.ts'
import { ByteWorld } from '../../support/byte-source.ts'
import { journalFile } from '../../support/keeping.ts'
import { OBJECT, ResumeRig, type Ended, type Found } from '../../support/resume-rig.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const never = new AbortController().signal
const MIB = 1 << 20
const REQUESTS = [PART_BYTES, 3 * MIB]
const gone = (): BackupError => new BackupError('E_SESSION', 'The upload is gone.', { remedy: 'restart' })

/** Two far sides with a few MiB each, and the process that brought them gone. */
async function halfway(t: TestContext): Promise<{ readonly rig: ResumeRig; readonly before: Found }> {
  const rig = new ResumeRig(await tempFolder(t), new ByteWorld([1 * MIB, 7 * MIB, 9 * MIB, 4 * MIB]), REQUESTS)
  let appended = 0
  const { killed } = await rig.run({
    killWhen: ({ name, destination, answered }) =>
      name === 'append' && destination === 'd1' && !answered && (appended += 1) === 4,
  })
  assert.ok(killed)
  const before = await rig.found()
  assert.equal(before.held[1], 9 * MIB)
  assert.ok((before.held[0] ?? 0) > 0)
  return { rig, before }
}

/** A far side's calls in short: names, and the first byte of those that carry bytes. */
const callsOf = ({ calls }: Ended, destination: string): string[] =>
  calls
    .filter((call) => call.destination === destination)
    .map(({ name, offset }) => (name === 'append' || name === 'commit' ? `${name} ${offset}` : name))

function mustBeStored({ delivery }: Ended, rig: ResumeRig): void {
  for (const { error } of delivery.outcomes) assert.equal(error, null)
  for (const object of rig.objects()) assert.ok(object?.equals(rig.world.whole()))
}

/** A destination whose uploads are changed by `change`, whether begun or resumed. */
function withUploads(inner: Destination, change: (upload: Upload) => Upload): Destination {
  return {
    ...inner,
    begin: async (object, signal) => change(await inner.begin(object, signal)),
    async resume(token, acknowledged, signal) {
      const { upload, held } = await inner.resume(token, acknowledged, signal)
      return { upload: change(upload), held }
    },
  }
}

const only =
  (name: string, change: (destination: Destination) => Destination) =>
  (destination: Destination): Destination =>
    destination.name === name ? change(destination) : destination

describe('each destination goes on where its far side says that it is', { timeout: 600_000 }, () => {
  test('it holds less than was noted, to a byte within a part', async (t) => {
    for (const keep of [0, 1, MIB + 3, PART_BYTES, 2 * PART_BYTES - 1]) {
      const { rig, before } = await halfway(t)
      rig.far[1]?.lose(keep)
      const ended = await rig.run()
      mustBeStored(ended, rig)
      assert.deepEqual(callsOf(ended, 'd1').slice(0, 2), ['resume', `append ${keep}`])
      assert.deepEqual(callsOf(ended, 'd0').slice(0, 2), ['resume', `append ${before.held[0]}`])
    }
  })

  test('that it holds less is noted before anything more is sent', async (t) => {
    const { rig } = await halfway(t)
    rig.far[1]?.lose(MIB + 3)
    const isFirst = ({ name, destination }: { readonly name: string; readonly destination: string }): boolean =>
      name === 'append' && destination === 'd1'
    assert.ok((await rig.run({ killWhen: isFirst })).killed)
    assert.equal((await rig.found()).uploads.get('d1')?.held, MIB + 3)
    mustBeStored(await rig.run(), rig)
  })

  test('it holds more than was noted: the answer had not come', async (t) => {
    const { rig, before } = await halfway(t)
    const { token = null, held = 0 } = before.uploads.get('d1') ?? {}
    assert.ok(token !== null && before.made >= held + 100)
    const resumed = await rig.far[1]?.resume(token, held, never)
    await resumed?.upload.append(9 * MIB, [rig.world.whole().subarray(9 * MIB, 9 * MIB + 100)], never)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.deepEqual(callsOf(ended, 'd1').slice(0, 2), ['resume', `append ${9 * MIB + 100}`])
  })

  test('it holds more than was ever made: that upload is given up and another begun', async (t) => {
    const { rig, before } = await halfway(t)
    const resumed = await rig.far[1]?.resume(before.uploads.get('d1')?.token ?? '', 9 * MIB, never)
    await resumed?.upload.append(9 * MIB, [Buffer.alloc(before.made - 9 * MIB + 1)], never)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.deepEqual(callsOf(ended, 'd1').slice(0, 4), ['resume', 'abort', 'begin', 'append 0'])
    assert.deepEqual(callsOf(ended, 'd0').slice(0, 2), ['resume', `append ${before.held[0]}`])
  })

  test('its upload is gone: it begins again from 0 and drags nobody back', async (t) => {
    const { rig, before } = await halfway(t)
    rig.far[1]?.lose(null)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.deepEqual(callsOf(ended, 'd1').slice(0, 3), ['resume', 'begin', 'append 0'])
    const others = callsOf(ended, 'd0')
    assert.deepEqual(others.slice(0, 2), ['resume', `append ${before.held[0]}`])
    assert.ok(!others.includes('begin'))
    assert.ok(rig.sent[0]! <= rig.world.whole().length + PART_BYTES)
  })

  test('its upload goes again and again: it is given up, unless it gets further each time', async (t) => {
    for (const getsFurther of [false, true]) {
      const { rig } = await halfway(t)
      let begun = 0
      const fragile = only('d1', (inner) => ({
        ...inner,
        resume: () => Promise.reject(gone()),
        begin: async (object, signal) => {
          const upload = await inner.begin(object, signal)
          begun += 1
          let left = getsFurther ? begun : 2
          const append: Upload['append'] = (...args) =>
            (left -= 1) < 0 ? Promise.reject(gone()) : upload.append(...args)
          return { ...upload, append }
        },
      }))
      const ended = await rig.run({ wrap: fragile })
      if (getsFurther) {
        mustBeStored(ended, rig)
        assert.ok(begun > 5, `${begun} uploads were begun`)
      } else {
        assert.equal(ended.delivery.outcomes[1]?.error?.code, 'E_SESSION')
        assert.equal(begun, 4)
        assert.ok(rig.objects()[0]?.equals(rig.world.whole()), 'the other is stored')
        assert.equal((await rig.found()).uploads.get('d1')?.hopeless, false, 'a later run may try again')
        mustBeStored(await rig.run(), rig)
      }
    }
  })

  test('a commit whose answer was lost is found out, and nothing is sent again', async (t) => {
    for (const how of ['the upload is still known', 'the upload is gone', 'another object is there'] as const) {
      const { rig } = await halfway(t)
      const first = await rig.run({
        killWhen: ({ name, destination, answered }) => name === 'commit' && destination === 'd1' && answered,
      })
      assert.ok(first.killed)
      assert.ok(rig.objects()[1]?.equals(rig.world.whole()), 'it went through')
      const isOther = how === 'another object is there'
      const forgetful = only('d1', (inner) => ({
        ...inner,
        resume: (...args) => (how === 'the upload is still known' ? inner.resume(...args) : Promise.reject(gone())),
        stat: async (object, signal) => {
          const stored = await inner.stat(object, signal)
          return isOther && stored !== null ? { ...stored, digest: '0'.repeat(64) } : stored
        },
      }))
      const sentBefore = rig.sent[1] ?? 0
      const second = await rig.run({ wrap: forgetful })
      mustBeStored(second, rig)
      const again = (rig.sent[1] ?? 0) - sentBefore
      assert.equal(again, isOther ? rig.world.whole().length : 0, how)
      if (how === 'the upload is gone') assert.deepEqual(callsOf(second, 'd1'), ['stat'])
      assert.equal((await rig.found()).uploads.get('d1')?.stored?.id, OBJECT)
    }
  })

  /** A journal that was cut off before anything of d1's. */
  const forgetUpload = async (rig: ResumeRig): Promise<void> => {
    const { journal, records } = await Journal.open(journalFile(rig.folder))
    await journal.fold(records.filter((record) => (record as { destination?: string }).destination !== 'd1'))
    await journal.close()
  }

  test('an object that is there already, though the journal has lost it, is found and not sent again', async (t) => {
    const { rig } = await halfway(t)
    mustBeStored(await rig.run(), rig)
    await forgetUpload(rig)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.deepEqual([callsOf(ended, 'd1'), callsOf(ended, 'd0')], [['stat'], []])
  })

  test('also when only the archive’s end tells that it is the same: the new upload is given up, not committed', async (t) => {
    const { rig } = await halfway(t)
    const far = rig.far[1]!
    const upload = await far.begin(OBJECT, never)
    const whole = new ObjectDigest()
    whole.update(rig.world.whole())
    const bytes = rig.world.whole().length
    await upload.commit({ offset: 0, tail: [rig.world.whole()], bytes, digests: whole.digests() }, never)
    await forgetUpload(rig)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.deepEqual(callsOf(ended, 'd1').slice(0, 2), ['begin', 'append 0'])
    assert.deepEqual(callsOf(ended, 'd1').slice(-2), ['stat', 'abort'])
    assert.ok(!callsOf(ended, 'd1').some((call) => call.startsWith('commit')))
  })

  test('a token that changes is noted before anything is sent under it', async (t) => {
    const { rig } = await halfway(t)
    let current = 0
    const changing = only('d1', (inner) => {
      const change = (upload: Upload): Upload => ({
        get token() {
          return `${upload.token} ${current}`
        },
        requests: upload.requests,
        held: (signal) => upload.held(signal),
        append: async (...args) => {
          const { uploads } = await RunState.read(journalFile(rig.folder))
          assert.equal(uploads.get('d1')?.token, `${upload.token} ${current}`)
          const held = await upload.append(...args)
          current += 1
          return held
        },
        commit: (...args) => upload.commit(...args),
        abort: () => upload.abort(),
      })
      const resume: Destination['resume'] = (token, ...rest) => inner.resume(token.split(' ')[0] ?? '', ...rest)
      return withUploads({ ...inner, resume }, change)
    })
    mustBeStored(await rig.run({ wrap: changing }), rig)
    assert.ok(current > 2)
  })

  test('what was stored by an earlier process is not touched, and what failed there is tried again', async (t) => {
    const { rig, before } = await halfway(t)
    const full = only('d1', (inner) =>
      withUploads(inner, (upload) => ({
        ...upload,
        append: () => Promise.reject(new BackupError('E_QUOTA', 'd1 is full.')),
      })),
    )
    const first = await rig.run({ wrap: full })
    assert.deepEqual(
      first.delivery.outcomes.map(({ error }) => error?.code),
      [undefined, 'E_QUOTA'],
    )
    const note = (await rig.found()).uploads.get('d1')
    assert.deepEqual(
      [note?.error?.code, note?.hopeless, note?.held],
      ['E_QUOTA', false, before.uploads.get('d1')?.held],
    )
    const second = await rig.run()
    mustBeStored(second, rig)
    assert.deepEqual(callsOf(second, 'd0'), [])
    assert.deepEqual(callsOf(second, 'd1').slice(0, 2), ['resume', `append ${9 * MIB}`])
    assert.deepEqual(second.source.beginnings, [], 'the archive is whole')
    assert.equal((await rig.found()).uploads.get('d1')?.error, null)
  })
})
