/** Retention at a destination: what is asked and deleted there, whatever fails on the way. */
import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import { ZipFile } from 'yazl'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { archiveName } from '../../../src/stages/contract/archive-name.ts'
import { isoLocal } from '../../../src/stages/contract/time.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { pruneDestination, type Pruned, type PruneOptions } from '../../../src/stages/retention/prune.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { memoryDestination, type MemoryDestination } from '../../support/memory-destination.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import * as dropbox from '../destinations/dropbox-far-side.ts'
import * as drive from '../destinations/google-drive-far-side.ts'
import { listAll, store, storeAll } from '../destinations/listing.ts'

const NOW = new Date(2026, 10, 23, 12, 5)
const SIGNAL = new AbortController().signal
const SILENT = { info: () => undefined, warn: () => undefined }
const nameOf = (daysAgo: number): string =>
  archiveName('dicom_backup', new Date(NOW.getTime() - 300_000 - daysAgo * 86_400_000))
const startOf = (daysAgo: number): string => isoLocal(new Date(NOW.getTime() - 300_000 - daysAgo * 86_400_000))
const RULES = { days: 30, keepAtLeast: 3, prefix: 'dicom_backup', now: NOW, clockConfirmed: true, intervalMs: null }

async function stateOf(t: TestContext): Promise<SqliteState> {
  const state = SqliteState.open(await tempFolder(t))
  t.after(() => state.close())
  return state
}

function prune(destination: Destination, state: SqliteState, change: Partial<PruneOptions> = {}): Promise<Pruned> {
  const options = { stored: nameOf(0), rules: RULES, state, dryRun: false, log: SILENT, signal: SIGNAL }
  return pruneDestination(destination, { ...options, ...change })
}

/** A far side that holds archives of so many days ago. */
async function holding(days: readonly number[]): Promise<MemoryDestination> {
  const destination = memoryDestination('cloud')
  await storeAll(destination, days.map(nameOf), 30)
  return destination
}

const OLD = [0, 1, 2, 3, 31, 40, 50, 60]

describe('retention at a destination', () => {
  test('that fails at any one call deletes nothing wrong, and the next time is done', async (t) => {
    const state = await stateOf(t)
    for (let failing = 1; ; failing += 1) {
      const far = await holding(OLD)
      let calls = 0
      const destination = far.another({
        before: () => {
          calls += 1
          if (calls === failing) throw new BackupError('E_DESTINATION', 'cloud: it failed.')
        },
      })
      const { deleted, failures } = await prune(destination, state)
      const left = [...far.objects.keys()]
      for (const days of [0, 1, 2, 3]) assert.ok(left.includes(nameOf(days)), `call ${failing}`)
      assert.deepEqual(left.length, OLD.length - deleted.length)
      if (calls < failing) {
        assert.deepEqual([deleted, failures], [[60, 50, 40, 31].map(nameOf), []])
        break
      }
      assert.equal(failures.length, 1, `call ${failing}`)
      assert.match(failures[0] ?? '', /cloud: it failed/)
      await prune(far.another(), state)
      assert.deepEqual([...far.objects.keys()].sort(), [0, 1, 2, 3].map(nameOf).sort())
    }
  })

  test('stopped in between has deleted the oldest', async (t) => {
    const far = await holding(OLD)
    const stop = new AbortController()
    const destination = far.another({
      before: (call) => {
        if (call === 'remove' && far.objects.size === 7) stop.abort()
      },
    })
    await assert.rejects(prune(destination, await stateOf(t), { signal: stop.signal }), { code: 'E_ABORTED' })
    assert.ok(!far.objects.has(nameOf(60)) && far.objects.has(nameOf(31)))
  })

  test('only looked at deletes nothing', async (t) => {
    const far = await holding(OLD)
    const { deleted } = await prune(far, await stateOf(t), { dryRun: true })
    assert.deepEqual(deleted, [60, 50, 40, 31].map(nameOf))
    assert.equal(far.objects.size, OLD.length)
  })

  test('keeps another archive for one that was found damaged there, or has not the size that was sent', async (t) => {
    const state = await stateOf(t)
    const far = await holding([0, 100, 200, 300, 400, 500])
    await state.saveVerification({ archive: nameOf(100), at: isoLocal(NOW), ok: false, method: 'deep' }, [
      { destination: 'cloud', ok: false, checked: true, method: 'deep', detail: 'damaged' },
      { destination: 'nas', ok: true, checked: true, method: 'deep', detail: 'well' },
    ])
    await state.saveRun(run({ archive: nameOf(200), bytes: 1, startedAt: startOf(200), finishedAt: startOf(200) }))
    const { deleted } = await prune(far, state)
    assert.deepEqual(deleted, [500, 200, 100].map(nameOf))
  })
})

function run(change: Partial<Parameters<SqliteState['saveRun']>[0]>): Parameters<SqliteState['saveRun']>[0] {
  const startedAt = isoLocal(new Date(NOW.getTime() - 300_000))
  return {
    runId: String(change.archive),
    trigger: 'manual',
    status: 'completed',
    startedAt,
    finishedAt: startedAt,
    plannedName: 'x.zip',
    archive: null,
    bytes: 1000,
    digests: null,
    source: null,
    sane: true,
    warnings: [],
    destinations: [
      { name: 'cloud', type: 'local', status: 'completed', bytesSent: 1, remoteId: 'x', remotePath: 'x', error: null },
    ],
    ...change,
  }
}

describe('retention without a run', () => {
  test('deletes only when the newest archive there is a good backup of late, as this program recorded it', async (t) => {
    for (const [what, change, refused] of [
      ['not recorded', null, /is not recorded as stored there/],
      ['stored elsewhere', { destinations: [] }, /is not recorded as stored there/],
      ['of a shrunk source', { sane: false }, /found that its sources had shrunk/],
      ['well', {}, null],
    ] as const) {
      const state = await stateOf(t)
      const far = await holding(OLD)
      const size = far.objects.get(nameOf(0))?.length ?? 0
      if (change !== null) await state.saveRun(run({ archive: nameOf(0), bytes: size, ...change }))
      const pruned = await prune(far, state, { stored: null })
      if (refused === null) assert.deepEqual([pruned.deleted.length, pruned.refused], [4, null], what)
      else {
        assert.match(pruned.refused ?? '', refused, what)
        assert.deepEqual([pruned.deleted, far.objects.size, pruned.kept.length], [[], OLD.length, OLD.length], what)
      }
    }
  })

  test('deletes nothing when the newest archive there is past its days itself', async (t) => {
    const state = await stateOf(t)
    const days = [31, 40, 50, 60]
    const far = await holding(days)
    const made = { startedAt: startOf(31), finishedAt: startOf(31), bytes: far.objects.get(nameOf(31))?.length ?? 0 }
    await state.saveRun(run({ archive: nameOf(31), ...made }))
    const pruned = await prune(far, state, { stored: null })
    assert.match(pruned.refused ?? '', /older than 30 days itself/)
    assert.deepEqual([pruned.deleted, far.objects.size], [[], days.length])
  })
})

/** A manifest is all that these archives have. */
async function madeAt(name: string, startedAt: Date, format = 1): Promise<readonly [string, Buffer<ArrayBuffer>]> {
  const head = {
    format,
    tool: 'dicom-backup',
    version: '1',
    runId: name,
    startedAt: startedAt.toISOString(),
    writtenAt: startedAt.toISOString(),
    database: null,
    counts: { files: 0, bytes: 0, skipped: 0, deadBytes: 0 },
  }
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from(`${JSON.stringify(head)}\n`), 'backup-manifest.ndjson')
  zip.end()
  return [name, Buffer.from(await buffer(zip.outputStream))]
}

test('an archive of a newer version among the newest keeps all: others may be needed for it', async (t) => {
  const state = await stateOf(t)
  const far = await holding(OLD.filter((days) => days !== 1))
  const [name, bytes] = await madeAt(nameOf(1), new Date(startOf(1)), 2)
  await store(far, name, bytes)
  const { deleted, failures } = await prune(far, state)
  assert.deepEqual([deleted, far.objects.size], [[], OLD.length])
  assert.match(failures.join(' '), new RegExp(`The archive ${name} was made by a newer version of dicom-backup`))
})

describe('what the clock says', () => {
  const DAY_MS = 86_400_000
  const ago = (days: number): Date => new Date(NOW.getTime() - days * DAY_MS)
  const unconfirmed = { rules: { ...RULES, clockConfirmed: false } }

  test('that jumped ahead between two runs, and no service confirms it, deletes nothing and is reported', async (t) => {
    const state = await stateOf(t)
    for (const days of [1004, 1003, 1002, 1001, 1000]) {
      const at = startOf(days)
      await state.saveRun(run({ archive: nameOf(days), bytes: 30, startedAt: at, finishedAt: at }))
    }
    await state.saveRun(run({ archive: nameOf(0), bytes: 30 }))
    const days = [1004, 1003, 1002, 1001, 1000, 0]
    const far = await holding(days)
    const pruned = await prune(far, state, unconfirmed)
    assert.deepEqual([pruned.deleted, far.objects.size], [[], days.length])
    assert.match(
      pruned.refused ?? '',
      /clock moved 997 days further .* no cloud service confirms it; nothing was deleted/,
    )
    const confirmed = await prune(far, state)
    assert.deepEqual(confirmed.deleted, [1004, 1003, 1002].map(nameOf), 'a service has the same time: they are as old')
  })

  test('weeks after a jump lets go what was seen to become old since', async (t) => {
    const state = await stateOf(t)
    const days = [1000, 999, ...Array.from({ length: 35 }, (_, n) => 34 - n)]
    for (const one of days) {
      await state.saveRun(run({ archive: nameOf(one), bytes: 30, startedAt: startOf(one), finishedAt: startOf(one) }))
    }
    const far = await holding(days)
    const { deleted, refused } = await prune(far, state, unconfirmed)
    assert.deepEqual([deleted, refused], [[1000, 999, 34, 33, 32, 31, 30].map(nameOf), null])
  })

  test('that was set back does not make the newest run an old one', async (t) => {
    const state = await stateOf(t)
    const wrong = archiveName('dicom_backup', new Date(2001, 0, 1))
    await state.saveRun(run({ archive: nameOf(40), bytes: 30, startedAt: startOf(40), finishedAt: startOf(40) }))
    const at = isoLocal(new Date(2001, 0, 1))
    await state.saveRun(run({ archive: wrong, bytes: 30, startedAt: at, finishedAt: at }))
    const far = await holding([40, 50, 60, 70])
    await storeAll(far, [wrong], 30)
    const { deleted } = await prune(far, state, { stored: wrong, rules: { ...RULES, keepAtLeast: 1 } })
    assert.deepEqual(deleted, [70, 60, 50, 40].map(nameOf))
    const next = await prune(far, state, {
      stored: wrong,
      rules: { ...RULES, keepAtLeast: 1, now: new Date(2001, 0, 2) },
    })
    assert.deepEqual(next.deleted, [], 'nor does anything go by that clock')
  })

  test("in a manifest goes before a name's local time, where there is no record", async (t) => {
    const far = memoryDestination('cloud')
    // By its name this one is 31 days old; it was made 13 hours to the west, and is 30 and a half.
    const west = ago(29.9)
    const archives = [
      await madeAt(nameOf(0), ago(0)),
      await madeAt(nameOf(31), west),
      await madeAt(nameOf(50), ago(50)),
    ]
    for (const [name, bytes] of archives) await store(far, name, bytes)
    const { deleted } = await prune(far, await stateOf(t), { rules: { ...RULES, keepAtLeast: 1 } })
    assert.deepEqual(deleted, [nameOf(50)])
  })

  test('twice the same hour keeps the archive that was begun last', async (t) => {
    const far = memoryDestination('cloud')
    const [first, second] = ['dicom_backup_2026-09-01_02-50-00.zip', 'dicom_backup_2026-09-01_02-10-00.zip']
    const at = Date.UTC(2026, 8, 1)
    await store(far, ...(await madeAt(first, new Date(at))))
    await store(far, ...(await madeAt(second, new Date(at + 20 * 60_000))))
    const { deleted } = await prune(far, await stateOf(t), { stored: second, rules: { ...RULES, keepAtLeast: 1 } })
    assert.deepEqual(deleted, [first])
  })
})

describe('retention in real folders', () => {
  const many = Array.from({ length: 1200 }, (_, n) => nameOf(31 + n))
  const foreign = ['notes.txt', 'dicom_backup.zip', 'dicom_backup_2020-01-01.zip', 'taxes_2020-01-01_00-00-00.zip']
  const kept = [0, 1, 2, 3].map(nameOf)

  const started: Record<string, (t: TestContext) => Promise<Destination>> = {
    Dropbox: async (t) =>
      (await dropbox.startDropbox(t, { pageEntries: 100, storage: { folder: await tempFolder(t) } })).open(
        dropbox.RENEWABLE,
      ),
    'Google Drive': async (t) =>
      (await drive.startDrive(t, { pageEntries: 100, storage: { folder: await tempFolder(t) } })).destination,
    'a folder': async (t) =>
      localDestination({ type: 'local', name: 'nas', chunkSize: null, folder: await tempFolder(t) }),
  }
  for (const [service, start] of Object.entries(started)) {
    test(`${service}: of a listing of many pages what is old goes, and nothing else`, async (t) => {
      const destination = await start(t)
      t.after(() => destination.close())
      await storeAll(destination, [...kept, ...foreign, ...many], 30)
      const { deleted, failures } = await prune(destination, await stateOf(t))
      assert.deepEqual([deleted.length, failures], [many.length, []])
      assert.deepEqual((await listAll(destination)).map(({ name }) => name).sort(), [...kept, ...foreign].sort())
    })
  }

  test("a folder: other folders, and a folder of an archive's name, stay", async (t) => {
    const folder = await tempFolder(t)
    await mkdir(path.join(folder, nameOf(90)))
    await mkdir(path.join(folder, 'archive'))
    for (const name of [nameOf(80), nameOf(0), nameOf(1), nameOf(2)])
      await writeFile(path.join(folder, name), 'x'.repeat(30))
    await writeFile(path.join(folder, 'archive', nameOf(85)), 'x'.repeat(30))
    const destination = localDestination({ type: 'local', name: 'nas', chunkSize: null, folder })
    assert.deepEqual((await prune(destination, await stateOf(t))).deleted, [nameOf(80)])
    assert.deepEqual((await readdir(folder)).sort(), [nameOf(90), nameOf(0), nameOf(1), nameOf(2), 'archive'].sort())
    assert.deepEqual(await readdir(path.join(folder, 'archive')), [nameOf(85)])
  })
})
