import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { MAKE_AHEAD } from '../../../src/stages/zip/prepare-files.ts'
import { place } from './archive-maker.ts'
import { newRun, openSource, readMade } from './archive-run.ts'
import { noise } from './going-on.ts'

test('an archive of many small files is made, and made again, in memory that is used again and again', async (t) => {
  const here = await place(t)
  // Each a batch of its own.
  for (let n = 0; n < 40; n += 1) await here.put(`${n}`, noise(600_000, n))
  const folder = path.join(here.folder, 'run')
  await mkdir(folder)
  const run = await newRun({ root: here.root, folder, compression: 'store' })
  const { source } = openSource(run, null)
  const made = new Set<unknown>()
  const remade = new Set<unknown>()
  for await (const chunk of source.make({ mark: null, end: 0, between: null })) {
    if (chunk instanceof Uint8Array && chunk.buffer instanceof SharedArrayBuffer) made.add(chunk.buffer)
  }
  await source.sync()
  for await (const { buffer } of source.remake(null)) if (buffer instanceof SharedArrayBuffer) remade.add(buffer)
  await source.close()
  for (const [what, { size }] of Object.entries({ made, remade })) {
    assert.ok(size > 0 && size <= MAKE_AHEAD + 2, `${what} in ${size}`)
  }
})

/** Bytes that this process, with its threads, has read from files. */
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1])

test(
  'one that is made again reads nothing of files that were left out, though they are there again',
  { skip: !existsSync('/proc/self/io') && 'this system does not count what is read' },
  async (t) => {
    const here = await place(t)
    const files = Array.from({ length: 20 }, (_, n) => ({ name: `left-${n}`, bytes: noise(600_000, n) }))
    await here.put('in', noise(1000, 99))
    for (const { name, bytes } of files) await here.put(name, bytes)
    const folder = path.join(here.folder, 'run')
    await mkdir(folder)
    const run = await newRun({ root: here.root, folder, compression: 'store' })
    for (const { name } of files) await rm(path.join(here.root, name))
    const { bytes, marks } = await readMade(openSource(run, null).source)
    for (const one of files) await here.put(one.name, one.bytes)

    const { source } = openSource(run, marks.at(-1) ?? null)
    const before = bytesRead()
    const again: Uint8Array[] = []
    for await (const chunk of source.remake(null)) again.push(Buffer.from(chunk))
    assert.ok(Buffer.concat(again).equals(bytes))
    assert.ok(bytesRead() - before < 2_000_000, `${bytesRead() - before} bytes`)
  },
)
