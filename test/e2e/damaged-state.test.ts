/** A damaged file of the state folder is named, set aside and replaced; no backup is missed for it. */
import assert from 'node:assert/strict'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { HistoryResult } from '../../src/stages/contract/history.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

const NO_DATABASE = 'this is no database, and long enough to be seen as none at first glance. '.repeat(100)

describe('a damaged state file is replaced by the next run, which stores its backup and exits with 3', () => {
  const damages: Record<string, (file: string) => Promise<void>> = {
    'no database': (file) => writeFile(file, NO_DATABASE),
    'cut short': (file) => truncate(file, 5000),
    'a wrong page in it': async (file) => {
      const bytes = await readFile(file)
      bytes.fill(0xff, 4096, 8192)
      await writeFile(file, bytes)
    },
  }
  for (const [what, damage] of Object.entries(damages)) {
    test(`the record of runs: ${what}`, async (t) => {
      const rig = await makeRig(t, onlyNas)
      await rig.put('a.dcm', 'x')
      assert.equal((await rig.run()).code, 0)
      const file = path.join(rig.state, 'state.sqlite')
      await damage(file)
      const damaged = await readFile(file)

      const { code, result } = await rig.run()
      assert.equal(code, 3, JSON.stringify(result))
      assert.equal(result.destinations[0]?.status, 'completed')
      const warning = result.warnings.find((one) => one.code === 'state-replaced')
      const [aside = ''] = (await readdir(rig.state)).filter((name) => name.startsWith('state.sqlite.damaged_'))
      assert.ok(warning?.message.includes(file) === true && warning.message.includes(aside), JSON.stringify(result))
      assert.deepEqual(await readFile(path.join(rig.state, aside)), damaged)
      const history = JSON.parse((await rig.cli('history', '--json')).stdout) as HistoryResult
      assert.deepEqual(
        history.runs.map(({ archive, status }) => [archive, status]),
        [[result.archive?.name, 'partial']],
      )
      assert.equal((await rig.run()).code, 0)
    })
  }

  test('the lock, and a file among the open runs', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    assert.equal((await rig.run()).code, 0)
    await writeFile(path.join(rig.state, 'lock.sqlite'), NO_DATABASE)
    await writeFile(path.join(rig.state, 'runs', 'notes.txt'), 'x')
    const { code, result } = await rig.run()
    assert.equal(code, 3, JSON.stringify(result))
    assert.match(result.warnings[0]?.message ?? '', /lock file .*lock\.sqlite was damaged/)
    assert.equal((await rig.run()).code, 0)
  })
})
