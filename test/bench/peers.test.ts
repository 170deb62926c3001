/** A peer counts only when both addresses got the same whole thing. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { archiveFolder } from '../../bench/data.ts'
import type { Contender } from '../../bench/harness/types.ts'
import {
  archiverPipe,
  bsdtarTee,
  limit,
  oldWay,
  sevenZip,
  shell,
  yazlPipe,
  zipTee,
  zipTeeSums,
  type SinksPlace,
} from '../../bench/peers/peers.ts'
import { startSinks } from '../../bench/services/process.ts'
import { needProgram } from '../support/needed-programs.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { writeFiles } from './place.ts'

const FILES = 5
const BYTES = 100_000

describe('peers of the benchmark', { skip: process.platform === 'win32' && 'they are for bash' }, () => {
  let place: SinksPlace
  const clean: (() => Promise<void>)[] = []

  before(async () => {
    needProgram('zip')
    needProgram('curl')
    needProgram('7z')
    needProgram('bsdtar')
    // Its quotes prove that every path is quoted.
    const folder = path.join(await tempFolder({ after: (work) => clean.push(work as () => Promise<void>) }), "it's a")
    await mkdir(folder)
    const source = await archiveFolder(folder, async (root) => {
      await mkdir(path.join(root, 'a/b'), { recursive: true })
      await writeFiles(path.join(root, 'a/b'), FILES, BYTES)
    })
    const sinks = await startSinks()
    clean.unshift(() => sinks.stop())
    place = { folder, ...source, sinks }
  })

  after(async () => {
    for (const work of clean) await work()
  })

  const run = (peer: Contender<SinksPlace>) => peer.run(place, { name: null, program: '', folder: place.folder })

  const all = [zipTee(0), zipTee(1), yazlPipe(0), yazlPipe(1), archiverPipe(0), bsdtarTee(0), bsdtarTee(1), sevenZip(0)]
  for (const peer of [...all, oldWay(0)]) {
    test(`${peer.name} sends a ZIP of all files to both`, async () => {
      const { bytesOut, cpuMs } = await run(peer)
      assert.ok(bytesOut! > (peer.name.includes('-1') ? 0 : FILES * BYTES), `${bytesOut} bytes`)
      if (process.platform === 'linux') assert.ok(cpuMs > 0)
    })
  }

  test('the limit sends the files’ bytes and nothing else', async () => {
    assert.equal((await run(limit)).bytesOut, FILES * BYTES)
  })

  const sums = { skip: process.platform === 'darwin' && 'macOS has no md5sum' }
  test('zip -0 with sums knows the MD5 of what came', sums, async () => {
    assert.ok((await run(zipTeeSums(0))).bytesOut! > FILES * BYTES)
  })

  /** In the words of the others, with something wrong. */
  const broken = (words: string, sending: Parameters<typeof shell>[3] = { entries: () => 8, isStored: true }) =>
    run(shell({ name: 'broken', what: 'broken' }, [], words, sending))
  const zipped = '(cd "$ROOT" && zip -0 -r -q - .)'
  const send = (from: string): string =>
    `mkfifo one; curl -fsS -T - "$A" < one & a=$!; ${from} | tee one | curl -fsS -T - "$B"; wait "$a"`

  test('one that exits 1 has failed, wherever in its pipe that was', async () => {
    await assert.rejects(broken(send(`{ ${zipped}; exit 1; }`)), /exit 1/)
  })

  test('one whose program is missing has failed', async () => {
    await assert.rejects(broken(send('no-such-zip')), /exit 127: .*no-such-zip/)
  })

  test('one whose upload in the background fails has failed', async () => {
    await assert.rejects(
      broken(`curl -fsS -T /no/such/file "$A" & a=$!; ${zipped} | curl -fsS -T - "$B"; wait "$a"`),
      /exit/,
    )
  })

  test('one that uploads to one address only has failed', async () => {
    await assert.rejects(broken(`${zipped} | curl -fsS -T - "$B"`), /0 and 1 uploads/)
  })

  test('one that sends half to both has failed', async () => {
    await assert.rejects(broken(send('head -c 250000 < <(cd "$ROOT" && zip -0 -r -q - . )')), /no end record of a ZIP/)
  })

  test('one that sends half to one of them has failed', async () => {
    const halved = `${zipped} > out.zip; head -c 250000 out.zip | curl -fsS -T - "$A"; curl -fsS -T out.zip "$B"`
    await assert.rejects(broken(halved), /the two uploads differ: 250000 and/)
  })

  test('one that leaves a file out has failed', async () => {
    const less = send('(cd "$ROOT" && zip -0 -r -q - . -x "*/0.dcm")')
    await assert.rejects(
      broken(less, { entries: ({ files, folders }) => files + folders, isStored: true }),
      /6 entries, not 7/,
    )
  })

  test('one that sends other bytes than the files’ has failed', async () => {
    const some = send('cat "$ROOT"/a/b/[0-3].dcm')
    await assert.rejects(broken(some, { entries: () => 'no ZIP', isStored: true }), /400000 bytes came/)
  })
})
