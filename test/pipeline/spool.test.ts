import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { BackupError } from '../../src/pipeline/errors.ts'
import { spool } from '../../src/pipeline/spool.ts'
import { tempFolder } from '../support/temp-folder.ts'

const never = new AbortController().signal

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of source) all.push(chunk)
  return Buffer.concat(all)
}

test('a reader gets the bytes as they come, whichever of the two is slower', async (t) => {
  const folder = await tempFolder(t)
  const data = randomBytes(3_000_000)
  for (const [name, writerMs, readerMs] of [
    ['slow-writer', 2, 0],
    ['slow-reader', 0, 5],
    ['both', 0, 0],
  ] as const) {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < data.length; at += 100_001) {
        await sleep(writerMs)
        yield data.subarray(at, at + 100_001)
      }
    }
    const spooled = spool(source(), path.join(folder, name), never)
    const slowly = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of spooled.read()) {
        await sleep(readerMs)
        yield chunk
      }
    }
    assert.ok((await collect(slowly())).equals(data))
    assert.equal(await spooled.done, data.length)
  }
})

test('the source is not held back by a reader that does not read', async (t) => {
  const folder = await tempFolder(t)
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 50; n += 1) yield await Promise.resolve(Buffer.alloc(100_000))
  }
  assert.equal(await spool(source(), path.join(folder, 'dump.sql'), never).done, 5_000_000)
})

test('only the owner may read the file', { skip: process.platform === 'win32' && 'no file modes' }, async (t) => {
  const file = path.join(await tempFolder(t), 'dump.sql')
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('x'))
  }
  await spool(source(), file, never).done
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('a source that fails makes both ends fail with its error, bytes already there or not', async (t) => {
  const folder = await tempFolder(t)
  for (const before of [0, 3]) {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < before; n += 1) yield await Promise.resolve(Buffer.alloc(10))
      throw new BackupError('E_DUMP', 'access denied')
    }
    const spooled = spool(source(), path.join(folder, String(before)), never)
    await assert.rejects(collect(spooled.read()), { code: 'E_DUMP' })
    await assert.rejects(spooled.done, { code: 'E_DUMP' })
  }
})

test('a file that cannot be made is told as E_STATE, and the source is not touched', async (t) => {
  const folder = await tempFolder(t)
  await writeFile(path.join(folder, 'taken'), '')
  for (const file of ['taken', 'no-such-folder/dump.sql']) {
    let pulled = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      pulled = true
      yield await Promise.resolve(Buffer.from('x'))
    }
    const spooled = spool(source(), path.join(folder, file), never)
    await assert.rejects(spooled.done, { code: 'E_STATE' })
    await assert.rejects(collect(spooled.read()), { code: 'E_STATE' })
    assert.equal(pulled, false)
  }
})

test('a file that lost bytes is told, not waited for', { timeout: 10_000 }, async (t) => {
  const file = path.join(await tempFolder(t), 'dump.sql')
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.alloc(3 << 20))
  }
  const spooled = spool(source(), file, never)
  await spooled.done
  await truncate(file, 2_000_000)
  await assert.rejects(collect(spooled.read()), { code: 'E_STATE' })
})

test('a full disk is told as E_QUOTA', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async (t) => {
  const { open } = await import('node:fs/promises')
  const { writeFully } = await import('../../src/pipeline/write-fully.ts')
  const full = await open('/dev/full', 'w')
  t.after(() => full.close())
  await assert.rejects(writeFully(full, Buffer.from('x'), 'dump.sql'), { code: 'E_QUOTA' })
})
