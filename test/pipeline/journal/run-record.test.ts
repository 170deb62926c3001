import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { formatLine } from '../../../src/pipeline/journal/checked-line.ts'
import { Journal } from '../../../src/pipeline/journal/journal.ts'
import { RunRecord, RunState } from '../../../src/pipeline/journal/run-record.ts'
import { notOnWindows } from '../../support/on-windows.ts'
import { refuseCalls } from '../../support/refused-calls.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const MIB = 1 << 20
const stored = { id: 'id', path: '/a.zip', bytes: 12, digest: null }

/** A state as a value that can be compared. */
const seen = ({ facts, uploads, made, whole }: RunState) =>
  structuredClone({ facts: [...facts], uploads: [...uploads], made, whole })

/** Steps of a run of every kind. */
const STEPS: readonly ((record: RunRecord) => void)[] = [
  (record) => {
    record.fact('start', { name: 'ä\u2028.zip', deep: [null, true, 1.5] })
  },
  (record) => {
    record.upload('nas', { token: 'a token' })
  },
  (record) => {
    record.made({ parts: 1, bytes: 4, digest: { md5: 'x', contentHash: 'y' } }, null)
  },
  (record) => {
    record.held('nas', 4)
  },
  (record) => {
    record.held('drive', 1)
  },
  (record) => {
    record.upload('drive', { error: { code: 'E_AUTH', message: 'signed out' } })
  },
  (record) => {
    record.fact('start', 'the last of a name counts')
  },
  (record) => {
    record.made({ parts: 3, bytes: 12, digest: null }, { bytes: 12, digests: { md5: 'm', contentHash: 'c' } })
  },
  (record) => {
    record.upload('nas', { stored, token: null, held: 12, error: null })
  },
  (record) => {
    record.upload('drive', { hopeless: true })
  },
]

describe("a run's record", () => {
  test('comes to the same state in a later process, after every step', async (t) => {
    const folder = await tempFolder(t)
    for (let count = 0; count <= STEPS.length; count += 1) {
      const file = path.join(folder, String(count))
      const record = await RunRecord.open(file)
      for (const step of STEPS.slice(0, count)) step(record)
      await record.close()
      const again = await RunRecord.open(file)
      assert.deepEqual(seen(again.state), seen(record.state))
      await again.close()
      const once = await readFile(file)
      const third = await RunRecord.open(file)
      assert.deepEqual(seen(third.state), seen(record.state))
      await third.close()
      assert.deepEqual(await readFile(file), once, 'folded as far as it goes')
    }
  })

  test('a change of one thing leaves what was known of the upload', async (t) => {
    const record = await RunRecord.open(path.join(await tempFolder(t), 'journal'))
    const none = { token: null, held: 0, stored: null, error: null, hopeless: false }
    assert.deepEqual(record.state.upload('nas'), none)
    record.upload('nas', { token: 'a' })
    record.held('nas', 7)
    record.upload('nas', { error: { code: 'E_QUOTA', message: 'full' } })
    const error = { code: 'E_QUOTA', message: 'full' }
    assert.deepEqual(record.state.upload('nas'), { ...none, token: 'a', held: 7, error })
    assert.deepEqual(record.state.upload('drive'), none)
    await record.close()
  })

  test('cut at any byte its journal gives a state that existed, and the run goes on from it', async (t) => {
    const folder = await tempFolder(t)
    const file = path.join(folder, 'whole')
    const record = await RunRecord.open(file)
    const states = [seen(record.state)]
    for (const step of STEPS) {
      step(record)
      states.push(seen(record.state))
    }
    await record.close()
    const journal = await readFile(file)
    let before = -1
    for (let cut = 0; cut <= journal.length; cut += 1) {
      const part = path.join(folder, 'cut')
      await writeFile(part, journal.subarray(0, cut))
      const again = await RunRecord.open(part)
      const at = states.findIndex((state) => JSON.stringify(state) === JSON.stringify(seen(again.state)))
      assert.ok(at >= before, `cut at ${cut}: the state after step ${at}`)
      before = at
      again.held('nas', 99)
      await again.close()
      const third = await RunRecord.open(part)
      assert.equal(third.state.upload('nas').held, 99)
      await third.close()
    }
    assert.equal(before, STEPS.length, 'uncut it is the last')
  })

  test('at 4 MiB it is folded and comes to the same', async (t) => {
    const file = path.join(await tempFolder(t), 'journal')
    const record = await RunRecord.open(file)
    for (const step of STEPS.slice(0, 6)) step(record)
    let folds = 0
    let before = 0
    for (let n = 1; folds < 3; n += 1) {
      record.held('nas', n)
      record.fact('long', 'x'.repeat(100_000))
      await record.sync()
      const { size } = await stat(file)
      assert.ok(size <= 5 * MIB, `${size} bytes`)
      if (size < before) {
        folds += 1
        assert.ok(before >= 4 * MIB - 200_000, `folded at ${before} bytes`)
        const copy = `${file}-${folds}`
        await writeFile(copy, await readFile(file))
        const again = await RunRecord.open(copy)
        assert.deepEqual(seen(again.state), seen(record.state))
        await again.close()
      }
      before = size
      assert.ok(n < 1000)
    }
    await record.close()
  })

  const kept = 'that another program keeps from being folded is gone on with as it is, and folded later'
  test(kept, { skip: notOnWindows('it is tried again for seconds there') }, async (t) => {
    const file = path.join(await tempFolder(t), 'journal')
    const record = await RunRecord.open(file)
    record.fact('long', 'x'.repeat(5 * MIB))
    record.held('nas', 1)
    const refused = refuseCalls(t, 'rename', 'EPERM', 2)
    await record.sync()
    assert.equal(refused(), 1, 'a long journal')
    record.held('nas', 2)
    await record.close()
    const again = await RunRecord.open(file)
    assert.equal(refused(), 2, 'one that is opened')
    assert.deepEqual(seen(again.state), seen(record.state))
    again.held('nas', 3)
    await again.close()
    const third = await RunRecord.open(file)
    assert.equal(third.state.upload('nas').held, 3)
    assert.equal(
      (await readFile(file, 'utf8')).match(/\n/g)?.length,
      4,
      'the format, the fact, what was made, the upload',
    )
    await third.close()
  })

  test('changes that come while it is folded are kept', async (t) => {
    const file = path.join(await tempFolder(t), 'journal')
    const record = await RunRecord.open(file)
    record.fact('long', 'x'.repeat(5 * MIB))
    const folding = record.sync()
    const syncs: Promise<void>[] = []
    for (let n = 1; n <= 50; n += 1) {
      record.held('nas', n)
      syncs.push(record.sync())
      if (n % 7 === 0) await Promise.race([folding, new Promise(setImmediate)])
    }
    await Promise.all([folding, ...syncs])
    await record.close()
    const again = await RunRecord.open(file)
    assert.deepEqual(seen(again.state), seen(record.state))
    await again.close()
  })

  test('a file that cannot be used is told as E_STATE', async (t) => {
    const folder = await tempFolder(t)
    // Windows opens a folder like a file.
    if (process.platform !== 'win32') await assert.rejects(RunRecord.open(folder), { code: 'E_STATE' })
    const record = await RunRecord.open(path.join(folder, 'journal'))
    await record.close()
    record.held('nas', 1)
    await assert.rejects(record.sync(), { code: 'E_STATE' })
  })

  test('of before there were versions it is read, and has its version once it is opened', async (t) => {
    const file = path.join(await tempFolder(t), 'journal')
    await writeFile(file, formatLine({ is: 'held', destination: 'nas', held: 7 }))
    assert.equal((await RunState.read(file)).upload('nas').held, 7)
    const record = await RunRecord.open(file)
    await record.close()
    assert.deepEqual((await Journal.read(file))[0], { is: 'format', format: 1 })
    assert.equal((await RunState.read(file)).upload('nas').held, 7)
  })

  test('with a line that is unknown, or not what was written, it is refused as it is', async (t) => {
    const file = path.join(await tempFolder(t), 'journal')
    const newer = [{ is: 'format', format: 2 }, { is: 'sealed' }, { held: 1 }, null, 7]
    const damaged = [
      { is: 'fact', name: 'a' },
      { is: 'made', made: { parts: -1, bytes: 0, digest: null }, whole: null },
      { is: 'made', made: { parts: 0, bytes: 0, digest: 'x' }, whole: null },
      { is: 'upload', destination: 'nas', note: { token: null, held: 0 } },
      { is: 'held', destination: 'nas' },
    ]
    for (const line of [...newer, ...damaged]) {
      // What follows is cut off when a journal is opened: not when it is refused.
      const bytes = Buffer.concat([
        formatLine({ is: 'held', destination: 'nas', held: 7 }),
        formatLine(line),
        Buffer.from('torn'),
      ])
      await writeFile(file, bytes)
      const message = damaged.some((one) => one === line) ? /is damaged/ : /made by a newer version of dicom-backup/
      await assert.rejects(RunRecord.open(file), { code: 'E_STATE', message }, JSON.stringify(line))
      assert.deepEqual(await readFile(file), bytes)
    }
  })
})
