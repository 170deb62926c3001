import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { makeRig } from '../support/rig.ts'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')

test('what is published is made by the build, and makes a backup', async (t) => {
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [compiler, '-p', path.join(root, 'tsconfig.build.json')], { cwd: root })
  const { version, bin } = (await import('../../package.json', { with: { type: 'json' } })).default
  const built = path.join(root, bin['dicom-backup'])
  assert.equal((await run(process.execPath, [built, '--version'])).stdout.trim(), version)

  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  const { stdout } = await run(process.execPath, [built, 'run', '--json', '--config', rig.configFile])
  assert.equal((JSON.parse(stdout) as RunResult).status, 'completed')
  assert.equal((await rig.visible()).length, 3)
})
