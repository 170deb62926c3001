/** What is measured of a process and its children. */
import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { watched } from '../../bench/harness/watched.ts'
import { tempFolder } from '../support/temp-folder.ts'

const linux = { skip: process.platform !== 'linux' && 'only Linux has /proc' }
/** Takes so much processor time, in ms, by its own count. */
const busy = (ms: number): string => `while (process.cpuUsage().user < ${ms * 1000}) { }`

describe('a process that is watched', linux, () => {
  test('is charged with the processor time of children that end between two looks', async () => {
    const child = `'${process.execPath}' -e '${busy(60)}'`
    const { code, cpuMs } = await watched('bash', ['-euc', `for n in 1 2 3 4 5; do ${child} | cat; done`])
    assert.equal(code, 0)
    assert.ok(cpuMs >= 300, `${cpuMs} ms`)
  })

  test('has as its peak what it and its children had at one moment', async (t) => {
    const folder = await tempFolder(t)
    /** Has 150 MB until the file `end` is there. */
    const program = `
      const { existsSync, writeFileSync } = require('node:fs')
      const held = Buffer.alloc(150e6, 1)
      writeFileSync(process.argv[1], '')
      setInterval(() => existsSync('end') && process.exit(held.length > 0 ? 0 : 1), 5)`
    const one = (name: string): string => `'${process.execPath}' -e "$PROGRAM" ${name}`
    /** Three looks after all of the files are there, `end` is. */
    const peakOf = async (words: string, ...files: readonly string[]): Promise<number> => {
      let ticks = 0
      const timer = setInterval(() => {
        if (files.every((file) => existsSync(path.join(folder, file)))) ticks += 1
        if (ticks > 3) writeFileSync(path.join(folder, 'end'), '')
      }, 20)
      try {
        const { code, peakBytes } = await watched('bash', ['-euc', words], { cwd: folder, env: { PROGRAM: program } })
        assert.equal(code, 0)
        return peakBytes
      } finally {
        clearInterval(timer)
        rmSync(path.join(folder, 'end'))
      }
    }
    const alone = await peakOf(`${one('a')}; :`, 'a')
    const inTurn = await peakOf(`${one('b')}; ${one('c')}; :`, 'b')
    const atOnce = await peakOf(`${one('d')} & ${one('e')} & wait`, 'd', 'e')
    assert.ok(alone > 150e6 && inTurn < alone + 100e6, `${alone} bytes alone, ${inTurn} in turn`)
    assert.ok(atOnce > 300e6, `${atOnce} bytes at once`)
  })
})

test('a program that is missing is an error', async () => {
  await assert.rejects(watched('no-such-program', []), /ENOENT/)
})

test('one that was killed has a signal and no exit code', async () => {
  const { code, signal } = await watched(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    onStart: (pid) => process.kill(pid, 'SIGKILL'),
  })
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
})
