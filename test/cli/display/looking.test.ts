import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import { lookingLine } from '../../../src/cli/display/looking.ts'
import { FakeTerminal } from './fake-terminal.ts'

test('on a terminal a dry run says how far it has looked, now and then, and takes the line away', () => {
  const terminal = new FakeTerminal(80)
  let now = 0
  const looking = lookingLine(terminal, () => now)
  looking.onProgress(1, 1024)
  assert.equal(terminal.seen, 'Scanning the archive folder: 1 file, 1.00 KiB')
  now = 199
  looking.onProgress(2, 2048)
  assert.match(terminal.seen, /1 file,/)
  now = 200
  looking.onProgress(1234, 5 * 1024 ** 3)
  assert.equal(terminal.seen, 'Scanning the archive folder: 1,234 files, 5.00 GiB')
  looking.stop()
  assert.equal(terminal.seen, '')
})

test('where there is no terminal nothing is written', () => {
  const pipe = new PassThrough()
  const looking = lookingLine(pipe)
  looking.onProgress(1, 1024)
  looking.stop()
  assert.equal(pipe.read(), null)
})
