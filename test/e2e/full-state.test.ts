/** A run that fills the disk under its own state folder. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { withState } from '../../src/cli/command-context.ts'
import { makeRig, onlyNas } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'

test('a run that fills the disk under the state is recorded once its own folder was removed', async (t) => {
  const rig = await makeRig(t, onlyNas)
  await rig.put('small.dcm', 'small')
  await mkdir(rig.state, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', rig.state], { stdio: 'ignore' })
  } catch {
    t.skip('no disk can be mounted here')
    return
  }
  try {
    assert.equal((await runHere(rig)).result.status, 'completed')
    const folder = path.join(rig.root, 'many')
    await mkdir(folder)
    for (let n = 0; n < 4000; n += 1) await writeFile(path.join(folder, `${n}-${'x'.repeat(150)}.dcm`), '')
    const { result, log } = await runHere(rig)
    assert.deepEqual([result.status, result.warnings], ['failed', []], log.join('\n'))
    assert.ok(
      log.some((line) => line.includes('the run is recorded: its folder was removed')),
      log.join('\n'),
    )
    assert.deepEqual(await readdir(path.join(rig.state, 'runs')), [])
    const history = await withState(rig.configFile, ({ state }) => state.history(5))
    assert.deepEqual(
      history.map(({ runId, status }) => [runId === result.runId, status]),
      [
        [true, 'failed'],
        [false, 'completed'],
      ],
    )
    await rm(folder, { recursive: true })
    assert.equal((await runHere(rig)).result.status, 'completed', 'and the next run has room')
  } finally {
    execFileSync('umount', [rig.state])
  }
})
