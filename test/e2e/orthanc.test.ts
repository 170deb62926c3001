/**
 * A real PACS end to end: Orthanc with its index in MariaDB is backed up while it works, lost, and comes back on another
 * server with other defaults, under another name. What counts is what its users see: every image, and that it takes
 * new ones.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import path from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { syntheticInstance } from '../../src/stages/demo/synthetic-dicom.ts'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import type { StudyList } from '../../src/stages/restore/list-studies.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { noOrthanc, startOrthanc, type Orthanc } from '../support/orthanc.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'

/** The n-th image, small: 8 in a study. */
const image = (n: number): Buffer =>
  syntheticInstance({
    patient: 1 + Math.floor(n / 16),
    study: 1 + (Math.floor(n / 8) % 2),
    series: 1,
    instance: n + 1,
    modality: 'CT',
    pixels: 'raw',
    rows: 64,
    columns: 64,
  })

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

async function sums(orthanc: Orthanc): Promise<Map<string, string | null>> {
  const all = new Map<string, string | null>()
  for (const id of (await orthanc.instances()).sort()) all.set(id, await orthanc.md5(id))
  return all
}

describe('Orthanc, lost and restored to a server with other defaults', { skip: noOrthanc }, () => {
  let server: MariaDb
  let other: MariaDb
  before(async () => {
    server = await startMariaDb({ tcp: true })
    other = await startMariaDb({
      tcp: true,
      options: ['--character-set-server=latin1', '--collation-server=latin1_swedish_ci'],
    })
  })
  after(() => Promise.all([server.close(), other.close()]))

  const account = (at: MariaDb): object => ({ host: at.host, port: at.port, user: at.user, password: at.password })

  /** A rig whose archive folder is that of an Orthanc with `count` images. */
  async function pacs(
    t: TestContext,
    name: string,
    count: number,
    compressed = false,
  ): Promise<{ rig: Rig; orthanc: Orthanc }> {
    await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`)
    const rig = await makeRig(t, { ...onlyNas, database: { ...account(server), name } })
    const folder = path.join(path.dirname(rig.configFile), 'orthanc')
    const orthanc = await startOrthanc({ folder, storage: rig.root, server, database: name, compressed })
    t.after(() => orthanc.close())
    for (let n = 0; n < count; n += 1) assert.ok(await orthanc.store(image(n)))
    return { rig, orthanc }
  }

  /** Restores the newest backup to the other server, under another name, and starts an Orthanc on it. */
  async function comesBack(
    t: TestContext,
    rig: Rig,
    name: string,
    compressed = false,
  ): Promise<{ restored: Orthanc; result: RestoreResult }> {
    const to = path.join(path.dirname(rig.configFile), 'restored')
    await rig.configure({ ...onlyNas, database: { ...account(other), name } })
    const { stdout, stderr } = await rig.cli('restore', '--to', to, '--database', `${name}_again`, '--json')
    const result = JSON.parse(stdout) as RestoreResult
    assert.ok(result.database, `${stdout}${stderr}`)
    const restored = await startOrthanc({
      folder: path.join(path.dirname(rig.configFile), 'orthanc-again'),
      storage: path.join(to, 'dicom_files'),
      server: other,
      database: `${name}_again`,
      compressed,
    })
    t.after(() => restored.close())
    return { restored, result }
  }

  async function takesNewImages(restored: Orthanc, n: number): Promise<void> {
    const before = new Set(await restored.instances())
    assert.ok(await restored.store(image(n)), 'a new image is accepted')
    const [added] = (await restored.instances()).filter((id) => !before.has(id))
    assert.equal(await restored.md5(added ?? ''), md5(image(n)), 'and given out as it came')
  }

  test('while it receives and deletes: every image that was there comes back, and new ones are accepted', async (t) => {
    const KEPT = 48
    const { rig, orthanc } = await pacs(t, 'pacs', KEPT)
    const stay = await sums(orthanc)

    // From before the run until after its end, images come and other ones go.
    let busy = true
    const gone: string[] = []
    const traffic = (async (): Promise<void> => {
      for (let n = 1000; busy; n += 1) {
        const before = new Set(await orthanc.instances())
        assert.ok(await orthanc.store(image(n)))
        const added = (await orthanc.instances()).find((id) => !before.has(id))
        if (n % 2 === 1 && added !== undefined) {
          await orthanc.delete(added)
          gone.push(added)
        }
      }
    })()
    const { code, result } = await rig.run().finally(() => {
      busy = false
    })
    await traffic
    assert.ok(code === 0 || code === 3, JSON.stringify(result))
    assert.equal(result.destinations[0]?.status, 'completed')
    await orthanc.close()
    await server.query('DROP DATABASE pacs')

    const { restored } = await comesBack(t, rig, 'pacs')
    const back = await sums(restored)
    for (const [id, sum] of stay) assert.equal(back.get(id), sum, 'an image that was there all the time')
    for (const [id, sum] of back) assert.ok(sum !== null || gone.includes(id), 'an image that the database names')
    await takesNewImages(restored, 5000)
  })

  test('with StorageCompression: its studies are named, one is restored alone, and all of it works again', async (t) => {
    const { rig, orthanc } = await pacs(t, 'packed', 24, true)
    const stay = await sums(orthanc)
    const studies = await orthanc.studies()
    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
    await orthanc.close()
    await server.query('DROP DATABASE packed')

    const list = JSON.parse((await rig.cli('restore', '--list', '--json')).stdout) as StudyList
    assert.deepEqual(list.studies.map(({ studyUid }) => studyUid).sort(), studies)
    const alone = path.join(path.dirname(rig.configFile), 'alone')
    const one = await rig.cli('restore', '--study', studies[0] ?? '', '--to', alone, '--json')
    assert.equal(one.code, 0, one.stdout)
    // With compression Orthanc keeps the head of each instance as a second file.
    assert.equal((JSON.parse(one.stdout) as RestoreResult).files, 16)

    const { restored } = await comesBack(t, rig, 'packed', true)
    assert.deepEqual(await sums(restored), stay)
    assert.deepEqual(await restored.studies(), studies)
    await takesNewImages(restored, 5000)
  })
})
