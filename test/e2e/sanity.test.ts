/** A source that has suddenly shrunk never passes for a good backup. */
import assert from 'node:assert/strict'
import { rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas, type Rig, type Settings } from '../support/rig.ts'

interface Run {
  readonly code: number | null
  /** Codes of the warnings. */
  readonly warned: readonly string[]
  readonly result: RunResult
}

interface SanityRig {
  readonly rig: Rig
  readonly run: (...args: string[]) => Promise<Run>
  /** Changes sections for the runs to come. */
  readonly configure: (sections: Settings) => void
}

/** A rig whose runs differ in their archives' prefix, as two within a second would want the same name. */
async function sanityRig(t: TestContext, sections: Settings = onlyNas): Promise<SanityRig> {
  const rig = await makeRig(t)
  let now = sections
  let n = 0
  return {
    rig,
    configure(changed) {
      now = { ...now, ...changed }
    },
    async run(...args) {
      n += 1
      await rig.configure({ ...now, archive: { prefix: `run${n}` } })
      const { code, result } = await rig.run(...args)
      return { code, result, warned: result.warnings.map((warning) => warning.code) }
    },
  }
}

const good = { code: 0, warned: [] }
const seen = ({ code, warned }: Run) => ({ code, warned })

async function put(rig: Rig, files: number, bytes = 0): Promise<void> {
  for (let n = 0; n < files; n += 1) await rig.put(`${n}.dcm`, Buffer.alloc(bytes))
}
async function lose(rig: Rig, from: number, to: number): Promise<void> {
  for (let n = to; n < from; n += 1) await rm(path.join(rig.root, `${n}.dcm`))
}

describe('the archive folder', () => {
  const shrunk = { code: 3, warned: ['source-shrunk'] }
  for (const [lost, expected] of [
    [29, good],
    [31, shrunk],
  ] as const) {
    const so = expected === good ? 'is not told' : 'is told'
    test(`that lost ${lost} % of its files ${so}`, async (t) => {
      const { rig, run } = await sanityRig(t)
      await put(rig, 99)
      await rig.put('large', Buffer.alloc(1000)) // so that the bytes stay
      assert.deepEqual(seen(await run()), good, 'the first run has nothing to compare with')
      await lose(rig, 99, 99 - lost)
      const { result, ...second } = await run()
      assert.deepEqual(second, expected)
      assert.equal(result.archive?.files, 100 - lost, 'it is stored all the same')
      assert.equal((await rig.visible()).length, 2)
      if (expected === good) return
      assert.equal(result.status, 'partial')
      assert.match(result.warnings[0]!.message, /31 % fewer files .*69, were 100.*--accept-shrunk/)
    })

    test(`that lost ${lost} % of its bytes ${so}`, async (t) => {
      const { rig, run } = await sanityRig(t)
      await rig.put('a.dcm', Buffer.alloc(100_000))
      assert.deepEqual(seen(await run()), good)
      await truncate(path.join(rig.root, 'a.dcm'), (100 - lost) * 1000)
      assert.deepEqual(seen(await run()), expected)
    })
  }

  test('that shrank is told at every run until it is accepted, and then is what later runs are compared with', async (t) => {
    const { rig, run } = await sanityRig(t)
    await put(rig, 10)
    assert.deepEqual(seen(await run()), good)
    await lose(rig, 10, 7)
    assert.deepEqual(seen(await run()), shrunk, 'exactly 30 %')
    assert.deepEqual(seen(await run()), shrunk, 'still')
    assert.deepEqual(seen(await run('--accept-shrunk')), good)
    assert.deepEqual(seen(await run()), good)
    await lose(rig, 7, 4)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['source-shrunk'] }, '4 of 7')
    await put(rig, 6)
    assert.deepEqual(seen(await run()), good, '6 of 7: what came back is well')
  })

  test('that is empty is told as that, and is nothing to compare with', async (t) => {
    const { rig, run } = await sanityRig(t)
    await put(rig, 3)
    assert.deepEqual(seen(await run()), good)
    await lose(rig, 3, 0)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['source-empty'] })
    await put(rig, 1)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['source-shrunk'] }, '1 of 3')
  })
})

describe('what runs are compared with', () => {
  test('is also a run at which a destination failed or files were left out', async (t) => {
    const { rig, run, configure } = await sanityRig(t, {
      destinations: [
        { name: 'nas', type: 'local', folder: 'nas' },
        { name: 'gone', type: 'local', folder: 'gone' },
      ],
    })
    await put(rig, 10)
    const first = await run()
    assert.equal(first.code, 3)
    assert.equal(first.result.destinations[1]?.status, 'failed')
    configure(onlyNas)
    await lose(rig, 10, 6)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['source-shrunk'] })
  })

  test('is no run that stored nothing', async (t) => {
    const { rig, run } = await sanityRig(t)
    await put(rig, 10)
    assert.deepEqual(seen(await run()), good)
    await lose(rig, 10, 6)
    await rename(rig.nas, `${rig.nas}-away`)
    assert.equal((await run()).code, 1)
    await rename(`${rig.nas}-away`, rig.nas)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['source-shrunk'] })
  })
})

describe('the database', () => {
  let server: MariaDb
  before(async () => {
    server = await startMariaDb()
  })
  after(() => server.close())

  async function withDatabase(t: TestContext, name: string) {
    await server.query(`CREATE DATABASE ${name}`)
    await server.query(
      `CREATE TABLE studies (id INT PRIMARY KEY, filler TEXT) ENGINE=InnoDB;
       CREATE TABLE patients (id INT PRIMARY KEY) ENGINE=InnoDB;
       INSERT INTO studies SELECT seq, REPEAT('x', 10000) FROM seq_1_to_100`,
      name,
    )
    const { rig, run } = await sanityRig(t, {
      ...onlyNas,
      database: { socket: server.socket, user: server.user, password: server.password, name },
    })
    await rig.put('a.dcm', 'x')
    return { run, query: (sql: string) => server.query(sql, name) }
  }

  test('that lost a table is told', async (t) => {
    const { run, query } = await withDatabase(t, 'one')
    assert.deepEqual(seen(await run()), good)
    await query('DROP TABLE patients')
    const shrunk = await run()
    assert.deepEqual(seen(shrunk), { code: 3, warned: ['dump-shrunk'] })
    assert.match(shrunk.result.warnings[0]!.message, /1 tables?; at the last good run it had 2\./)
    assert.deepEqual(seen(await run()), { code: 3, warned: ['dump-shrunk'] }, 'still')
    assert.deepEqual(seen(await run('--accept-shrunk')), good)
    assert.deepEqual(seen(await run()), good)
  })

  test('may lose some of its rows, not half of its dump', async (t) => {
    const { run, query } = await withDatabase(t, 'two')
    assert.deepEqual(seen(await run()), good)
    await query('DELETE FROM studies WHERE id > 55')
    assert.deepEqual(seen(await run()), good, '45 % less')
    await query('DELETE FROM studies WHERE id > 25')
    const shrunk = await run()
    assert.deepEqual(seen(shrunk), { code: 3, warned: ['dump-shrunk'] }, '54 % less')
    assert.match(shrunk.result.warnings[0]!.message, /5\d % smaller/)
  })
})
