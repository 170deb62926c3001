/** What other users of the machine see of patients and secrets: nothing, also while a run is open. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { findProgram, type MariaDb } from '../support/mariadb.ts'
import type { Rig, Settings } from '../support/rig.ts'
import {
  assertPrivate,
  below,
  found,
  PASSWORD,
  patients,
  secrets,
  serverWithPatients,
  watchedRig,
} from '../support/watched.ts'

const WINDOWS = process.platform === 'win32' && 'the dump program of this test is a shell script'

let server: MariaDb
before(async () => {
  server = await serverWithPatients()
})
after(() => server.close())

describe('what other users of the machine see', { skip: WINDOWS }, () => {
  const script = async (rig: Rig, ...lines: string[]): Promise<string> => {
    const file = path.join(rig.folder, 'mysqldump')
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 })
    return file
  }
  const withDump = (dumpCommand: string): Settings => ({
    database: { socket: server.socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer', dumpCommand },
  })
  const real = (): string => findProgram('mariadb-dump')!

  test(
    'in the list of processes has no secret and no patient in it while the database is dumped',
    { skip: findProgram('ps') === null && 'no ps here' },
    async (t) => {
      const one = await watchedRig(t, server)
      const list = path.join(one.rig.folder, 'processes')
      await one.configure(withDump(await script(one.rig, `ps -eo args >> '${list}'`, `exec '${real()}' "$@"`)))
      const result = await one.rig.cli('run')
      assert.equal(result.code, 3, result.stderr)
      const processes = await readFile(list, 'utf8')
      assert.ok(
        processes.includes(`main.js run --config ${one.rig.configFile}`),
        'this run, and no neighbour’s, is in it',
      )
      assert.match(processes, /--single-transaction.*dicom_viewer/)
      assert.deepEqual(found(processes, [...secrets, ...patients]), [])
    },
  )

  test('is nothing of the rows when the dump breaks off in their middle', async (t) => {
    const one = await watchedRig(t, server)
    const half = [
      `case "$*" in *--version*) exec '${real()}' "$@";; esac`,
      `'${real()}' "$@" | head -c 30000`,
      'echo "mysqldump: Error 2013: Lost connection" >&2',
      'exit 3',
    ]
    await one.configure(withDump(await script(one.rig, ...half)))
    for (const args of [[], ['--json']]) {
      const result = await one.rig.cli('run', ...args)
      assert.equal(result.code, 1, result.stdout)
      assert.match(result.stdout, /Lost connection/)
      assertPrivate(one, result, `run ${args.join(' ')}`)
    }
    assert.deepEqual(await one.rig.visible(), [])
    assert.deepEqual(below(path.join(one.rig.state, 'runs')), [], 'and half a dump is not left behind')
  })

  test('is nothing of a run that is open; when it is done nothing of it is left', async (t) => {
    const one = await watchedRig(t, server)
    const { rig } = one
    rig.drive.faults.add({ route: 'final', fault: { kind: 'flip' } })
    const first = await rig.cli('run')
    assert.equal(first.code, 3, first.stderr)
    assertPrivate(one, first, 'run')
    const [open = ''] = await readdir(path.join(rig.state, 'runs'))
    const kept = below(path.join(rig.state, 'runs', open))
    const inside = (await Promise.all(kept.map((file) => readFile(file, 'latin1')))).join('')
    assert.deepEqual(found(inside, ['Mustermann']), ['Mustermann'], 'the modes that were looked at guard something')
    const next = await rig.cli('run')
    assert.equal(next.code, 3, 'a link was left out')
    assert.equal((await rig.visible()).length, 3, next.stdout)
    assertPrivate(one, next, 'the next run')
    assert.deepEqual(await readdir(path.join(rig.state, 'runs')), [])
  })
})
