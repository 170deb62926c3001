import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { makeRig } from '../support/rig.ts'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')

test('what is published is made by the build, and makes a backup', async (t) => {
  const { version, bin, scripts } = (await import('../../package.json', { with: { type: 'json' } })).default
  // Not where somebody's own build lies, and beside package.json as that does.
  const folder = await mkdtemp(path.join(root, 'dist-begun-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [compiler, ...options] = scripts.build.split(' ')
  assert.equal(compiler, 'tsc')
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  // Types are checked by `npm run check`; the output is the same.
  await run(process.execPath, [tsc, ...options, '--noCheck', '--outDir', folder], { cwd: root })
  const built = path.join(folder, path.relative('dist', bin['dicom-backup']))
  assert.equal((await run(process.execPath, [built, '--version'])).stdout.trim(), version)

  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  const { stdout } = await run(process.execPath, [built, 'run', '--json', '--config', rig.configFile])
  assert.equal((JSON.parse(stdout) as RunResult).status, 'completed')
  assert.equal((await rig.visible()).length, 3)
})
