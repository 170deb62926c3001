import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jobWarnings, pathsOf } from '../../../../src/stages/schedule/job-warnings.ts'
import { installJob, removeJob } from '../../../../src/stages/schedule/job/scheduler.ts'
import { runCommand } from '../../../../src/stages/schedule/job/run-command.ts'
import type { Config } from '../../../../src/stages/config/types.ts'

const node = (code: string): { words: string[] } => ({ words: [process.execPath, '-e', code] })
const HANGS = 'setInterval(() => {}, 1000)'

describe("a scheduler's program", () => {
  test('gives its exit code and its words', async () => {
    const end = await runCommand({
      ...node('process.stdin.pipe(process.stdout); process.exitCode = 7'),
      input: 'größe',
    })
    assert.deepEqual(end, { code: 7, stdout: 'größe', words: 'größe' })
    assert.deepEqual(await runCommand({ words: ['/no/such/program'] }), { code: null, stdout: '', words: 'ENOENT' })
  })

  test('that does not end is killed, and that is said', async () => {
    const end = await runCommand(node(`console.error('wait'); ${HANGS}`), { runMs: 1500, outputMs: 100 })
    assert.equal(end.code, null)
    assert.match(end.words, /^did not answer within 1\.5 seconds\./)
  })

  test('whose output another process keeps open is not waited for longer than it runs', async () => {
    const child = `const { spawn } = require('node:child_process')
      const { pid } = spawn(process.execPath, ['-e', ${JSON.stringify(HANGS)}], { stdio: 'inherit', detached: true })
      require('node:fs').writeSync(1, String(pid))
      process.exit(0)`
    const { code, stdout } = await runCommand(node(child), { runMs: 60_000, outputMs: 100 })
    process.kill(Number(stdout), 'SIGKILL')
    assert.equal(code, 0)
  })
})

describe('what the hourly job lacks', () => {
  const config = {
    file: 'C:\\b\\dicom-backup.yaml',
    dicom: { root: 'Z:\\images' },
    state: { dir: 'C:\\b\\.dicom-backup' },
    log: { file: 'C:\\b\\log' },
    destinations: [
      { type: 'local', folder: 'Y:\\backups' },
      { type: 'dropbox', folder: '/x' },
    ],
  } as unknown as Config

  test('is nothing where the terminal has nothing of its own', () => {
    assert.deepEqual(
      jobWarnings(config, { HTTPS_PROXY: '' }, () => []),
      [],
    )
    assert.deepEqual(pathsOf(config), [
      'C:\\b\\dicom-backup.yaml',
      'Z:\\images',
      'C:\\b\\.dicom-backup',
      'C:\\b\\log',
      'Y:\\backups',
    ])
  })

  test('is a proxy, a certificate and a network drive of the terminal', () => {
    const env = {
      HTTPS_PROXY: 'http://user:secret@proxy',
      https_proxy: 'http://user:secret@proxy',
      NODE_EXTRA_CA_CERTS: 'x',
    }
    const unc = '\\\\nas\\images'
    const said = jobWarnings(config, env, () => [{ path: 'Z:\\images', unc }])
    assert.equal(said.length, 2)
    assert.match(said[0] ?? '', /^This terminal has https_proxy, NODE_EXTRA_CA_CERTS, which the job will not have\./)
    assert.doesNotMatch(said.join(), /secret/)
    assert.equal(
      said[1],
      `Z:\\images is on a network drive that only your logon has; the job will not find it. Write ${unc} in the configuration.`,
    )
  })
})

test('a scheduler that refuses is told with what it was asked for, and what it said', async () => {
  const commands = [{ words: [process.execPath, '-e', 'console.error("Access is denied."); process.exit(1)'] }]
  const plan = { kind: 'task-scheduler', name: 'x', files: [], commands, notes: [] } as const
  const advice = /Run as administrator/
  await assert.rejects(installJob(plan), { message: /could not be installed: .* says: Access is denied/, advice })
  await assert.rejects(removeJob(plan), { message: /could not be removed: .* says: Access is denied/, advice })
})
