/** What becomes of a run that is open when its own files, or the configuration, are not what they were. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { putZeros } from '../support/held-up.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { refuseCalls } from '../support/refused-calls.ts'
import type { Rig, Settings } from '../support/rig.ts'
import { runHere, type Here } from '../support/run-here.ts'
import { DROPBOX, mustBeDone, mustBeOver, openRuns, REQUEST_BYTES, REQUESTS, scenarioRig } from '../support/scenario.ts'
import { requestsOf } from '../support/small-rig.ts'
import { stopWhen } from '../support/stopped-run.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'

let server: MariaDb
let database: Settings
before(async () => {
  server = await startMariaDb()
  await createViewerDatabase(server, { patients: 3 })
  database = { socket: server.socket, user: server.user, password: server.password, name: 'dicom_viewer' }
})
after(() => server.close())

const usual = requestsOf({ dropbox: REQUEST_BYTES, drive: REQUEST_BYTES, nas: REQUEST_BYTES })
const [dropbox, drive, nas] = usual['destinations'] as readonly Settings[]

interface Open {
  readonly rig: Rig
  readonly first: Here
  readonly folder: string
}

/** A run that is open because Dropbox was full at its end; the others have the archive. */
async function lackingAtDropbox(t: TestContext, sections: Settings = {}): Promise<Open> {
  const rig = await scenarioRig(t, { database, ...sections })
  rig.dropbox.faults.add({ ...REQUESTS.dropbox['the last request'], fault: { kind: 'quota-full' } })
  const first = await runHere(rig)
  assert.equal(first.code, 3, JSON.stringify(first.result))
  rig.dropbox.quotaBytes = null
  const [folder = ''] = await openRuns(rig)
  return { rig, first, folder }
}

/** A run that was stopped when Dropbox had its first request: nobody has the archive. */
async function stoppedAtOnce(t: TestContext, sections: Settings = { database }): Promise<Open> {
  const rig = await scenarioRig(t, sections)
  // More than the window holds, lest the folder has all of it before the stop is heard.
  await putZeros(rig, 'large.bin', 60 << 20)
  await rig.configure({ ...sections, destinations: [dropbox, nas], archive: { compression: 'store' } })
  rig.dropbox.faults.add({ route: 'append', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 8 << 20 } })
  const first = await stopWhen(rig, ({ destinations }) => (destinations[1]?.held ?? 0) > 0)
  assert.equal(first.code, 130, JSON.stringify(first.result))
  rig.dropbox.faults.clear()
  const [folder = ''] = await openRuns(rig)
  return { rig, first, folder }
}

const partials = async (rig: Rig): Promise<string[]> => (await rig.visible()).filter((name) => !name.endsWith('.zip'))

/** Nothing of the old run is left, and each destination has a new archive whole. */
async function mustBeNew(rig: Rig, { code, result, log }: Here, old: Here): Promise<void> {
  assert.equal(code, 0, `${JSON.stringify(result)}\n${log.join('\n')}`)
  assert.equal(result.resumed, false)
  assert.notEqual(result.runId, old.result.runId)
  assert.deepEqual(await partials(rig), [], 'nothing is left of the old one')
  await mustBeOver(rig)
}

describe('a run whose own files are damaged never makes a damaged archive', () => {
  const inMiddle = async (file: string): Promise<void> => {
    const handle = await open(file, 'r+')
    await handle.write('#', (await handle.stat()).size >> 1)
    await handle.close()
  }
  const damages: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
    'the journal is gone': (folder) => rm(path.join(folder, 'journal')),
    'the journal is empty': (folder) => truncate(path.join(folder, 'journal'), 0),
    'the journal is damaged at its beginning': async (folder) => {
      const handle = await open(path.join(folder, 'journal'), 'r+')
      await handle.write('#', 0)
      await handle.close()
    },
    'the journal is damaged in the middle': (folder) => inMiddle(path.join(folder, 'journal')),
    'the journal lacks its end': async (folder) => {
      const file = path.join(folder, 'journal')
      await truncate(file, (await readFile(file)).length - 10)
    },
    'the index of parts is gone': (folder) => rm(path.join(folder, 'parts')),
    'the index of parts is damaged': (folder) => inMiddle(path.join(folder, 'parts')),
    'the last parts are damaged': (folder) => inMiddle(path.join(folder, 'ring')),
    'the dump is gone': (folder) => rm(path.join(folder, 'dump.sql')),
    'the dump is damaged': (folder) => inMiddle(path.join(folder, 'dump.sql')),
    'the dump is shorter': (folder) => truncate(path.join(folder, 'dump.sql'), 100),
    'the plan is gone': (folder) => rm(path.join(folder, 'plan.ndjson')),
    'the plan is damaged': (folder) => inMiddle(path.join(folder, 'plan.ndjson')),
    'the directory is gone': (folder) => rm(path.join(folder, 'directory.bin')),
    'the directory is damaged': (folder) => inMiddle(path.join(folder, 'directory.bin')),
    'the manifest is gone': (folder) => rm(path.join(folder, 'manifest.ndjson')),
    'the manifest is damaged': (folder) => inMiddle(path.join(folder, 'manifest.ndjson')),
    'everything but the journal is gone': async (folder) => {
      for (const name of await readdir(folder)) if (name !== 'journal') await rm(path.join(folder, name))
    },
  }
  /** With these goes what the run had begun, and where. */
  const NAMELESS = ['the journal is gone', 'the journal is empty', 'the journal is damaged at its beginning']
  for (const [what, damage] of Object.entries(damages)) {
    // A run without a dump takes half of the time.
    const sources = (): Settings => (/dump|everything/.test(what) ? { database } : { database: undefined })
    test(`one destination lacks it, and ${what}`, async (t) => {
      const { rig, first, folder } = await lackingAtDropbox(t, sources())
      await damage(folder)
      const here = await runHere(rig)
      if (here.result.archive?.name === first.result.archive?.name) await mustBeDone(rig, here)
      else await mustBeNew(rig, here, first)
    })

    test(`it was stopped, and ${what}`, async (t) => {
      const { rig, first, folder } = await stoppedAtOnce(t, sources())
      const [partial = ''] = await partials(rig)
      await damage(folder)
      // In the same second the new one would have the name of the old one, which nobody knows.
      if (NAMELESS.includes(what)) await sleep(1000 - (Date.now() % 1000))
      const here = await runHere(rig)
      if (NAMELESS.includes(what)) {
        assert.deepEqual(await partials(rig), [partial], 'nobody knows any more whose it was')
        await rm(path.join(rig.nas, partial))
      }
      if (here.result.runId !== first.result.runId) await mustBeNew(rig, here, first)
      else assert.equal(here.result.archive?.name, partial.replace(/\.partial$/, ''))
      await mustBeDone(rig, here)
    })
  }
})

describe('a run whose files cannot be used now, as another program or account has them, is kept:', () => {
  // The index is opened once more before: whoever looks for a newer version's marks passes over what is in use.
  for (const [code, file, opens, of] of [
    ['EACCES', 'journal', 2, 'its journal may not be read'],
    ['EBUSY', 'parts', 3, 'its index of parts is in use'],
    ['EIO', 'journal', 2, 'the disk has its moments'],
  ] as const) {
    test(`${of} (${code})`, async (t) => {
      const { rig, first } = await lackingAtDropbox(t)
      const folders = await openRuns(rig)
      const refused = refuseCalls(t, 'open', code, opens, path.join(path.basename(folders[0] ?? ''), file))
      await assert.rejects(runHere(rig), (error: unknown) => {
        assert.ok(error instanceof BackupError)
        assert.equal(error.code, 'E_STATE')
        assert.match(
          error.message,
          new RegExp(`^An interrupted backup cannot be resumed now\\. .*${file}.*\\(${code}\\)\\.$`),
        )
        assert.match(error.advice, /^Nothing of it was given up: the next run tries again\./)
        return true
      })
      assert.equal(refused(), opens, 'it was tried again')
      assert.deepEqual(await openRuns(rig), folders)
      const here = await runHere(rig)
      assert.equal(here.result.resumed, true)
      assert.equal(here.result.archive?.name, first.result.archive?.name)
      await mustBeDone(rig, here)
    })
  }

  test('a journal that cannot be folded while another program has it open is gone on with as it is', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    const refused = refuseCalls(t, 'rename', 'EPERM', 1, 'journal.new')
    const here = await runHere(rig)
    assert.equal(refused(), 1)
    assert.equal(here.result.archive?.name, first.result.archive?.name)
    await mustBeDone(rig, here)
  })

  test('unless it is told to be given up', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    refuseCalls(t, 'open', 'EACCES', 2, 'journal')
    const here = await runHere(rig, { mode: 'fresh' })
    assert.equal(here.code, 0)
    assert.equal(here.result.resumed, false)
    assert.notEqual(here.result.runId, first.result.runId)
    assert.deepEqual(await openRuns(rig), [])
  })
})

describe('a run that cannot be gone on with is abandoned, and the same run makes a new backup:', () => {
  test('the archive folder is another one', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    await rename(rig.root, path.join(rig.folder, 'elsewhere'))
    await rig.configure({ ...usual, database, dicom: { root: 'elsewhere' } })
    await mustBeNew(rig, await runHere(rig), first)
  })

  test('there is no database any more', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    await rig.configure(usual)
    await mustBeNew(rig, await runHere(rig), first)
  })

  test('nobody has touched it for a week', async (t) => {
    const { rig, first, folder } = await stoppedAtOnce(t)
    const old = new Date(Date.now() - 8 * 24 * 3600_000)
    await utimes(path.join(folder, 'journal'), old, old)
    await mustBeNew(rig, await runHere(rig), first)
  })

  test('it is told to be: what was begun is taken back', async (t) => {
    const { rig, first } = await stoppedAtOnce(t)
    const here = await runHere(rig, { mode: 'fresh' })
    await mustBeNew(rig, here, first)
    await mustBeDone(rig, here)
  })
})

describe('destinations that were changed in the configuration', () => {
  test('the one that lacks the archive is removed: there is a new backup for the others', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    await rig.configure({ database, destinations: [drive, nas] })
    const here = await runHere(rig)
    await mustBeNew(rig, here, first)
    assert.equal(here.result.destinations.length, 2)
  })

  test('one is added: it takes part from the next backup on', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    await mkdir(path.join(rig.folder, 'second'))
    const second = { name: 'second', type: 'local', folder: 'second' }
    await rig.configure({ database, destinations: [dropbox, drive, nas, second] })
    const here = await runHere(rig)
    assert.deepEqual([here.code, here.result.archive], [0, first.result.archive], JSON.stringify(here.result))
    const next = await runHere(rig)
    assert.deepEqual([next.code, next.result.destinations.length], [0, 4])
    assert.deepEqual(await readdir(path.join(rig.folder, 'second')), [next.result.archive?.name])
    await mustBeOver(rig)
  })

  test('its folder is another one: the archive goes there, whole', async (t) => {
    const { rig, first } = await lackingAtDropbox(t)
    await rig.configure({ database, destinations: [{ ...dropbox, folder: '/Elsewhere' }, drive, nas] })
    const here = await runHere(rig)
    await mustBeDone(rig, here)
    assert.equal(here.of(DROPBOX).remotePath, `/Elsewhere/${first.result.archive?.name}`)
    assert.equal(here.of(DROPBOX).bytesSent, first.result.archive?.bytes)
  })
})

test('a folder that is no run of ours is removed, and nothing else', async (t) => {
  const rig = await scenarioRig(t)
  await mkdir(path.join(rig.state, 'runs/half made'), { recursive: true })
  await writeFile(path.join(rig.state, 'runs/half made/dump.sql'), randomBytes(1000))
  await mustBeDone(rig, await runHere(rig))
})
