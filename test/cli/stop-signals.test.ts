import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { stopSignals } from '../../src/cli/stop-signals.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows has no signals to send'
const module = new URL(`file://${path.resolve(import.meta.dirname, '../../src/cli/stop-signals.ts')}`).href

test('the first signal aborts, with the caller’s advice, and is told once', { skip: POSIX_ONLY }, async () => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    let told = 0
    const stop = stopSignals('It goes on later.', () => (told += 1))
    assert.equal(stop.signal.aborted, false)
    process.kill(process.pid, name)
    await once(stop.signal, 'abort')
    stop.dispose()
    const reason: unknown = stop.signal.reason
    assert.ok(reason instanceof BackupError)
    assert.deepEqual([reason.code, reason.advice, told], ['E_ABORTED', 'It goes on later.', 1])
    assert.match(reason.message, new RegExp(name))
    assert.equal(process.listenerCount(name), 0)
  }
})

test('a second signal ends the process at once, with 130', { skip: POSIX_ONLY }, async () => {
  const script = `
    import { stopSignals } from ${JSON.stringify(module)}
    stopSignals('', () => console.log('stopping'))
    console.log('ready')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 130)
})
