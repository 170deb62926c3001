import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { openFileSink } from '../../../src/stages/log/file-sink.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const told: string[] = []
const tell = (message: string): void => {
  told.push(message)
}
const line = (n: number): string => `${JSON.stringify({ n, text: 'x'.repeat(80) })}\n`
const numbersIn = (file: string): number[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((one) => (JSON.parse(one) as { n: number }).n)

describe('a log file that is large', () => {
  test('becomes FILE.1 and so on, the oldest goes, and no line is lost or torn', async (t) => {
    const file = path.join(await tempFolder(t), 'logs', 'a.log')
    const sink = openFileSink(file, { maxBytes: 1000, keep: 3 }, tell)
    for (let n = 0; n < 60; n += 1) sink.write(line(n))
    sink.close()
    const names = readdirSync(path.dirname(file)).sort()
    assert.deepEqual(names, ['a.log', 'a.log.1', 'a.log.2', 'a.log.3'])
    const all = ['a.log.3', 'a.log.2', 'a.log.1', 'a.log'].flatMap((name) =>
      numbersIn(path.join(path.dirname(file), name)),
    )
    assert.deepEqual(
      all,
      Array.from({ length: all.length }, (_, n) => 60 - all.length + n),
    )
    for (const name of names) assert.ok(statSync(path.join(path.dirname(file), name)).size <= 1000)
    assert.deepEqual(told, [])
  })

  test('counts bytes, not characters', async (t) => {
    const file = path.join(await tempFolder(t), 'a.log')
    const sink = openFileSink(file, { maxBytes: 1000, keep: 3 }, tell)
    for (let n = 0; n < 6; n += 1) sink.write(`${JSON.stringify({ n, text: 'ä€'.repeat(60) })}\n`)
    sink.close()
    for (const name of readdirSync(path.dirname(file))) {
      assert.ok(statSync(path.join(path.dirname(file), name)).size <= 1000, name)
    }
    assert.ok(existsSync(`${file}.1`))
  })

  test('counts what an earlier process wrote', async (t) => {
    const file = path.join(await tempFolder(t), 'a.log')
    writeFileSync(file, line(0).repeat(9))
    const sink = openFileSink(file, { maxBytes: 1000, keep: 3 }, tell)
    for (let n = 1; n < 3; n += 1) sink.write(line(n))
    sink.close()
    assert.ok(existsSync(`${file}.1`))
    assert.deepEqual(numbersIn(file).at(-1), 2)
  })

  test('goes on growing where its place cannot be given up, and gives it up later', async (t) => {
    const file = path.join(await tempFolder(t), 'a.log')
    // Nothing can be moved onto a folder that is not empty.
    mkdirSync(path.join(`${file}.1`, 'in the way'), { recursive: true })
    const sink = openFileSink(file, { maxBytes: 1000, keep: 1 }, tell)
    for (let n = 0; n < 60; n += 1) sink.write(line(n))
    sink.close()
    assert.equal(numbersIn(file).length, 60)
    assert.deepEqual(told, [])
  })

  test('is written by several processes at once without a line being lost or torn', async (t) => {
    const file = path.join(await tempFolder(t), 'a.log')
    const sinkModule = new URL('../../../src/stages/log/file-sink.ts', import.meta.url).href
    const script = (from: number): string => `
      import { openFileSink } from ${JSON.stringify(sinkModule)}
      const sink = openFileSink(${JSON.stringify(file)}, { maxBytes: 20_000, keep: 40 }, (message) => { throw new Error(message) })
      for (let n = ${from}; n < ${from} + 500; n += 1) sink.write(JSON.stringify({ n, text: 'x'.repeat(80) }) + '\\n')
      sink.close()`
    const ends = await Promise.all(
      [0, 1000, 2000].map(async (from) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script(from)], {
          stdio: ['ignore', 'ignore', 'inherit'],
        })
        return ((await once(child, 'close')) as [number])[0]
      }),
    )
    assert.deepEqual(ends, [0, 0, 0])
    const all = readdirSync(path.dirname(file)).flatMap((name) => numbersIn(path.join(path.dirname(file), name)))
    const wanted = [0, 1000, 2000].flatMap((from) => Array.from({ length: 500 }, (_, n) => from + n))
    assert.deepEqual(
      all.sort((a, b) => a - b),
      wanted,
    )
  })
})
