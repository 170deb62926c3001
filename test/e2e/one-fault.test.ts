/** Whatever the opening of one destination throws is that destination's fault alone. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { DoctorResult, RunResult, VerifyResult } from '../../src/stages/contract/results.ts'
import type { HistoryResult } from '../../src/stages/contract/history.ts'
import { makeRig } from '../support/rig.ts'

const BAD_PORT = 'http://host:99999'

const PROXIES: Readonly<Record<string, RegExp>> = {
  [BAD_PORT]: /HTTPS_PROXY is not the address of an HTTP proxy\. Set it to http:\/\/host:port/,
  'socks5://proxy:1080': /HTTPS_PROXY is not the address of an HTTP proxy/,
  // Node ignores one without a scheme and goes past the proxy.
  'proxy:3128': /HTTPS_PROXY has no scheme \(http:\/\/\)\. Set it to http:\/\/host:port/,
}

describe('a proxy variable that cannot be used is a fault of the cloud destinations alone', () => {
  for (const [value, says] of Object.entries(PROXIES)) {
    test(value, async (t) => {
      const rig = await makeRig(t, { retention: { days: 1, keepAtLeast: 1 } })
      const env = { HTTPS_PROXY: value }
      await rig.put('a.dcm', 'x')
      const run = await rig.cliWith({ env }, 'run', '--json')
      assert.equal(run.code, 3, run.stdout)
      const { destinations, archive } = JSON.parse(run.stdout) as RunResult
      assert.deepEqual(
        destinations.map(({ name, status, error }) => [name, status, error?.code ?? null]),
        [
          ['hospital-dropbox', 'failed', 'E_CONFIG'],
          ['hospital-drive', 'failed', 'E_CONFIG'],
          ['nas', 'completed', null],
        ],
      )
      for (const one of destinations.slice(0, 2)) assert.match(one.error?.message ?? '', says)
      assert.deepEqual(await readdir(rig.nas), [archive?.name])

      if (value !== BAD_PORT) return

      const history = JSON.parse((await rig.cli('history', '--json')).stdout) as HistoryResult
      assert.deepEqual(
        history.runs.map((one) => [one.archive, one.status]),
        [[archive?.name, 'partial']],
      )
      const verify = JSON.parse((await rig.cliWith({ env }, 'verify', '--json')).stdout) as VerifyResult
      assert.equal(verify.checks.find(({ destination }) => destination === 'nas')?.ok, true)
      const restore = await rig.cliWith({ env }, 'restore', '--to', path.join(rig.folder, 'back'))
      assert.equal(restore.code, 0, restore.stderr)

      const doctor = JSON.parse((await rig.cliWith({ env }, 'doctor', '--json')).stdout) as DoctorResult
      const failed = doctor.checks.filter(({ ok }) => !ok)
      assert.deepEqual(
        failed.map(({ name }) => name),
        ['destination hospital-dropbox', 'destination hospital-drive'],
      )
      for (const { detail, remedy } of failed) assert.match(`${detail} ${remedy}`, says)

      const next = await rig.run()
      assert.equal(next.code, 0, 'the next run, without the variable, brings both the archive')
      assert.equal(next.result.archive?.name, archive?.name)
      assert.deepEqual(await readdir(path.join(rig.state, 'runs')), [])
    })
  }
})

test("a proxy's address with a password is not repeated", async (t) => {
  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  const env = { HTTPS_PROXY: 'http://user:secret-password@host:99999' }
  for (const command of ['run', 'doctor']) {
    const { stdout, stderr } = await rig.cliWith({ env }, command)
    assert.match(stdout + stderr, /HTTPS_PROXY/)
    assert.doesNotMatch(stdout + stderr, /secret-password/)
  }
})
