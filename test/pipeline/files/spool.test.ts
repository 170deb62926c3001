import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { spool } from '../../../src/pipeline/files/spool.ts'
import { writeFully } from '../../../src/pipeline/files/fully.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const signal = new AbortController().signal

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < data.length; at += size) {
    const piece = data.subarray(at, at + size)
    buffer.set(piece)
    yield await Promise.resolve(buffer.subarray(0, piece.length))
    buffer.fill(0xee)
  }
}

test('the file holds every byte as it came, and is told as it grows', async (t) => {
  const folder = await tempFolder(t)
  for (const size of [0, 1, 100_000, 1_000_000]) {
    const data = randomBytes(size)
    const file = path.join(folder, String(size))
    const told: number[] = []
    const written = await spool(pieces(data, 30_001), file, { onBytes: (bytes) => told.push(bytes), signal })
    assert.equal(written, size)
    assert.ok((await readFile(file)).equals(data))
    const expected = Array.from({ length: Math.ceil(size / 30_001) }, (_, n) => Math.min(size, (n + 1) * 30_001))
    assert.deepEqual(told, expected)
  }
})

test('a file that is there already is replaced, also by a shorter one', async (t) => {
  const file = path.join(await tempFolder(t), 'dump.sql')
  await spool(pieces(randomBytes(5000), 999), file, { signal })
  const data = randomBytes(10)
  assert.equal(await spool(pieces(data, 3), file, { signal }), 10)
  assert.ok((await readFile(file)).equals(data))
})

test('only the owner may read the file', { skip: process.platform === 'win32' && 'no file modes' }, async (t) => {
  const file = path.join(await tempFolder(t), 'dump.sql')
  await writeFile(file, 'readable by all', { mode: 0o644 })
  await spool(pieces(Buffer.from('x'), 1), file, { signal })
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('a source that fails at any piece makes it fail with its own error', async (t) => {
  const folder = await tempFolder(t)
  for (const before of [0, 1, 3]) {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < before; n += 1) yield await Promise.resolve(Buffer.alloc(10))
      throw new BackupError('E_DUMP', 'access denied')
    }
    await assert.rejects(spool(source(), path.join(folder, String(before)), { signal }), { code: 'E_DUMP' })
  }
})

test('stopped at any piece it ends with what it was stopped with, and the source is closed', async (t) => {
  const folder = await tempFolder(t)
  for (let at = 1; at <= 4; at += 1) {
    const stop = new AbortController()
    let closed = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (let n = 1; ; n += 1) {
          if (n === at) stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
          yield await Promise.resolve(Buffer.alloc(10))
        }
      } finally {
        closed = true
      }
    }
    const stopped = spool(source(), path.join(folder, String(at)), { signal: stop.signal })
    await assert.rejects(stopped, { code: 'E_ABORTED', message: 'stopped by SIGTERM' })
    assert.equal(closed, true)
  }
})

test('a file that cannot be made is told as E_STATE, and the source is not touched', async (t) => {
  const folder = await tempFolder(t)
  await writeFile(path.join(folder, 'taken'), '')
  for (const file of ['taken/dump.sql', 'no-such-folder/dump.sql']) {
    let pulled = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      pulled = true
      yield await Promise.resolve(Buffer.from('x'))
    }
    await assert.rejects(spool(source(), path.join(folder, file), { signal }), { code: 'E_STATE' })
    assert.equal(pulled, false)
  }
})

test('a full disk is told as E_QUOTA', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async (t) => {
  const full = await open('/dev/full', 'w')
  t.after(() => full.close())
  await assert.rejects(writeFully(full, Buffer.from('x'), 'dump.sql'), { code: 'E_QUOTA' })
})
