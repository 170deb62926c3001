import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { PassThrough, Writable } from 'node:stream'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startDisplay } from '../../../src/cli/display/start.ts'
import { FakeTerminal } from './fake-terminal.ts'
import { middle } from './samples.ts'

process.env.TERM = 'xterm-256color'

test('a terminal gets the frame, a pipe and a dumb terminal get lines', () => {
  const written = (stream: FakeTerminal | PassThrough): string => {
    let all = ''
    const write = stream.write.bind(stream)
    stream.write = (chunk: string) => {
      all += chunk
      return write(chunk)
    }
    startDisplay(middle(), { stream }).stop(true)
    return all
  }
  assert.match(written(new FakeTerminal(80)), /\u001b\[/)
  assert.match(written(new PassThrough()), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}Storing the DICOM files: [^\u001b]*$/)
  process.env.TERM = 'dumb'
  assert.doesNotMatch(written(new FakeTerminal(80)), /\u001b/)
  process.env.TERM = 'xterm-256color'
})

test('it draws as time passes and when the terminal is resized, and leaves nothing running', async () => {
  const terminal = new FakeTerminal(80)
  const progress = middle()
  const display = startDisplay(progress, { stream: terminal, intervalMs: 5 })
  progress.filesDone = 412_804
  while (!terminal.seen.includes('412,804')) await sleep(5)
  display.stop(false)
  assert.equal(terminal.listenerCount('resize'), 0)
  const still = startDisplay(progress, { stream: terminal, intervalMs: 3_600_000 })
  terminal.resize(40)
  assert.match(terminal.seen, /^Ratio +2\.10:1$/m)
  still.stop(true)
  terminal.take()
  await sleep(20)
  still.note('late')
  still.report()
  still.stop(true)
  assert.equal(terminal.take(), '')
})

test('its ticker does not keep the process alive', async () => {
  const start = new URL('../../../src/cli/display/start.ts', import.meta.url).href
  const progress = new URL('../../../src/pipeline/contract/progress.ts', import.meta.url).href
  const script = `
    import { startDisplay } from ${JSON.stringify(start)}
    import { newProgress } from ${JSON.stringify(progress)}
    startDisplay(newProgress(['nas']), { stream: process.stderr, isTty: true, intervalMs: 50 })`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 600_000 })
  assert.match((await run).stderr, /Scanning the archive folder/)
})

test('a stream that breaks ends the display, not the run', async () => {
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      done(new Error('EPIPE'))
    },
  })
  const display = startDisplay(middle(), { stream, intervalMs: 5 })
  while (!stream.closed) await sleep(1)
  display.note('still here')
  display.stop(true)
  assert.equal(stream.destroyed, true)
})

test('a stream that does not keep up is not given a queue of frames', async () => {
  const stuck = new Writable({ highWaterMark: 1, write: () => undefined })
  const progress = middle()
  const display = startDisplay(progress, { stream: stuck, isTty: true, intervalMs: 2 })
  const waiting = stuck.writableLength
  assert.ok(waiting > 0)
  for (let turn = 0; turn < 10; turn++) {
    progress.filesDone++
    await sleep(4)
  }
  assert.equal(stuck.writableLength, waiting)
  stuck.destroy()
  display.stop(false)
})
