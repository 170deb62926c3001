import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat, writeFile, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type MockFunctionContext, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { formatLine } from '../../../src/pipeline/journal/checked-line.ts'
import { Journal } from '../../../src/pipeline/journal/journal.ts'
import { notOnWindows } from '../../support/on-windows.ts'
import { refuseCalls } from '../../support/refused-calls.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const RECORDS: readonly unknown[] = [
  { fact: 'begun', name: 'Röntgen 🩻' },
  ['a\u2028b', 'a\u2029b', 'line\nfeed', '\udc80', ''],
  null,
  0,
  '',
  { nested: { held: 2 ** 53 - 1, ratio: 0.1, ok: false } },
]
const LINES = RECORDS.map((record) => formatLine(record))

async function journalFile(t: TestContext): Promise<string> {
  return path.join(await tempFolder(t), 'journal')
}

async function recordsOf(file: string): Promise<readonly unknown[]> {
  const { journal, records } = await Journal.open(file)
  await journal.close()
  return records
}

/** Watches one call of file handles, of any file. */
async function spied(
  t: TestContext,
  file: string,
  call: 'sync' | 'datasync',
): Promise<{ readonly mock: MockFunctionContext<() => Promise<void>> }> {
  const handle = await open(file)
  await handle.close()
  return t.mock.method(Object.getPrototypeOf(handle) as FileHandle, call)
}

/** A disk's own failure of one flush: the next would succeed, over lost data. */
const IO_ERROR = Object.assign(new Error('I/O error'), { code: 'EIO' })

/** How many of the records have lines that are whole in the first `bytes` bytes. */
function wholeIn(bytes: number): number {
  let end = 0
  return LINES.filter((line) => (end += line.length) <= bytes).length
}

describe('a journal', () => {
  test('gives every record back, in order, and only its user may read it', async (t) => {
    const file = await journalFile(t)
    const { journal, records } = await Journal.open(file)
    assert.deepEqual(records, [])
    for (const record of RECORDS) journal.append(record)
    await journal.sync()
    assert.equal((await stat(file)).size, journal.bytes)
    if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600)
    await journal.close()
    assert.deepEqual(await recordsOf(file), RECORDS)
  })

  test('cut at any byte still gives all records before it, and goes on there', async (t) => {
    const file = await journalFile(t)
    const whole = Buffer.concat(LINES)
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      await writeFile(file, whole.subarray(0, bytes))
      const { journal, records } = await Journal.open(file)
      const kept = RECORDS.slice(0, wholeIn(bytes))
      assert.deepEqual(records, kept)
      journal.append('after')
      await journal.close()
      assert.deepEqual(await recordsOf(file), [...kept, 'after'])
    }
  })

  test('with any one byte changed gives all records before it and nothing wrong', async (t) => {
    const file = await journalFile(t)
    const whole = Buffer.concat(LINES)
    for (let at = 0; at < whole.length; at++) {
      // 0x20 makes another case of a letter, 0x0a - x a line feed.
      for (const flip of [0x01, 0x20, 0x80, 0xff, (whole[at] ?? 0) ^ 0x0a]) {
        if (flip === 0) continue
        const damaged = Buffer.from(whole)
        damaged[at] = (damaged[at] ?? 0) ^ flip
        await writeFile(file, damaged)
        assert.deepEqual(await recordsOf(file), RECORDS.slice(0, wholeIn(at)), `byte ${at} changed by ${flip}`)
        assert.equal((await stat(file)).size, Buffer.concat(LINES.slice(0, wholeIn(at))).length)
      }
    }
  })

  test('that a power cut left with zeros at its end gives what is before them', async (t) => {
    const file = await journalFile(t)
    await writeFile(file, Buffer.concat([...LINES, Buffer.alloc(4096)]))
    assert.deepEqual(await recordsOf(file), RECORDS)
  })

  test('hands what was appended to the operating system without a sync', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    for (const record of RECORDS) journal.append(record)
    while ((await stat(file)).size < journal.bytes) await pause(1)
    assert.deepEqual(await readFile(file), Buffer.concat(LINES))
    await journal.close()
  })

  test('refuses what JSON has no text for, and stays usable', async (t) => {
    const { journal } = await Journal.open(await journalFile(t))
    assert.throws(
      () => {
        journal.append(undefined)
      },
      { code: 'E_INTERNAL' },
    )
    await assert.rejects(journal.fold([1, undefined]), { code: 'E_INTERNAL' })
    journal.append(1)
    await journal.close()
    assert.deepEqual(await recordsOf(journal.path), [1])
  })

  test('that cannot be opened is told as E_STATE', async (t) => {
    const folder = await tempFolder(t)
    // Windows opens a folder like a file.
    if (process.platform !== 'win32') await assert.rejects(Journal.open(folder), { code: 'E_STATE' })
    await assert.rejects(Journal.open(path.join(folder, 'none', 'journal')), { code: 'E_STATE' })
  })
})

/** test/wine has a journal that a program there has open. */
const RETRIED = 'it is tried again for seconds there'

describe('a fold', () => {
  test('puts its records in the place of all earlier ones, and appends made meanwhile behind them', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    journal.append('before')
    await journal.sync()
    journal.append('before, not synced')
    const synced = journal.sync()
    const folded = journal.fold(['folded'])
    journal.append('meanwhile 1')
    const again = journal.fold(['folded twice', 'ä'])
    journal.append('meanwhile 2')
    await Promise.all([synced, folded, again, journal.sync()])
    assert.equal((await stat(file)).size, journal.bytes)
    journal.append('after')
    await journal.close()
    assert.deepEqual(await recordsOf(file), ['folded twice', 'ä', 'meanwhile 2', 'after'])
    assert.deepEqual(await readdir(path.dirname(file)), ['journal'])
  })

  test('killed at any step leaves the old records or the new ones, and nothing beside them', async (t) => {
    const file = await journalFile(t)
    const fresh = Buffer.concat([formatLine({ folded: 'ä' }), formatLine(2)])
    for (let bytes = 0; bytes <= fresh.length; bytes++) {
      await writeFile(file, Buffer.concat(LINES))
      await writeFile(`${file}.new`, fresh.subarray(0, bytes))
      assert.deepEqual(await recordsOf(file), RECORDS)
      assert.deepEqual(await readdir(path.dirname(file)), ['journal'])
    }
  })

  test('that finds no room beside the journal is told, and the journal goes on as it was', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    journal.append(1)
    // A folder in the way of the new file.
    await mkdir(path.join(`${file}.new`, 'x'), { recursive: true })
    const refused = assert.rejects(journal.fold(['folded']), { code: 'E_STATE' })
    journal.append(2)
    await refused
    await journal.sync()
    assert.equal((await stat(file)).size, journal.bytes)
    await rm(`${file}.new`, { recursive: true })
    await journal.close()
    assert.deepEqual(await recordsOf(file), [1, 2])
  })

  test('whose new file cannot be flushed is told, and the journal goes on as it was', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    journal.append(1)
    const sync = await spied(t, file, 'sync')
    sync.mock.mockImplementationOnce(() => Promise.reject(IO_ERROR))
    await assert.rejects(journal.fold(['folded']), { code: 'E_STATE', cause: IO_ERROR })
    assert.deepEqual(await readdir(path.dirname(file)), ['journal'])
    journal.append(2)
    await journal.close()
    assert.deepEqual(await recordsOf(file), [1, 2])
  })

  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    const name = `that may not take the journal's place (${code}) is told, and the journal goes on as it was`
    test(name, { skip: notOnWindows(RETRIED) }, async (t) => {
      const file = await journalFile(t)
      const { journal } = await Journal.open(file)
      journal.append(1)
      const refused = refuseCalls(t, 'rename', code, 1)
      const folding = journal.fold(['folded'])
      journal.append(2)
      await assert.rejects(folding, { code: 'E_STATE' })
      assert.equal(refused(), 1)
      journal.append(3)
      await journal.sync()
      assert.equal((await stat(file)).size, journal.bytes)
      assert.deepEqual(await readdir(path.dirname(file)), ['journal'])
      await journal.fold(['folded'])
      journal.append(4)
      await journal.close()
      assert.deepEqual(await recordsOf(file), ['folded', 4])
    })
  }

  test('whose rename cannot be flushed is told, and by every later sync', async (t) => {
    if (process.platform === 'win32') {
      t.skip('this system flushes no folders')
      return
    }
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    journal.append(1)
    const sync = await spied(t, file, 'sync')
    sync.mock.mockImplementationOnce(() => Promise.reject(IO_ERROR), 1)
    await assert.rejects(journal.fold(['folded']), { code: 'E_STATE', cause: IO_ERROR })
    journal.append(2)
    for (let n = 0; n < 2; n++) await assert.rejects(journal.sync(), { code: 'E_STATE', cause: IO_ERROR })
    await journal.close()
    assert.deepEqual(await recordsOf(file), ['folded'])
  })

  test('and appends of a process that is killed at any moment leave a row without gaps', async (t) => {
    const file = await journalFile(t)
    const writer = `
      const { Journal } = await import(${JSON.stringify(new URL('../../../src/pipeline/journal/journal.ts', import.meta.url).href)})
      const { journal, records } = await Journal.open(process.argv[1])
      let n = records.length === 0 ? 0 : records.at(-1)
      process.stdout.write('begun')
      for (;;) {
        for (let k = 0; k < 7; k++) journal.append(++n)
        if (n % 3 === 0) await journal.sync()
        const folded = journal.fold([{ upTo: n }, n])
        for (let k = 0; k < 5; k++) journal.append(++n)
        await folded
      }`
    let last = 0
    for (let kill = 0; kill < 15; kill++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await pause(kill * 3)
      child.kill('SIGKILL')
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
      const records = await recordsOf(file)
      const first = records[0]
      const numbers = records.filter((record) => typeof record === 'number')
      if (typeof first === 'object') assert.deepEqual(first, { upTo: numbers[0] })
      assert.equal(numbers.length, records.length - (typeof first === 'object' ? 1 : 0))
      for (const [k, n] of numbers.entries()) assert.equal(n, (numbers[0] ?? 0) + k)
      assert.ok((numbers.at(-1) ?? 0) >= last)
      last = numbers.at(-1) ?? 0
    }
    assert.ok(last > 0)
  })
})

describe('a sync', () => {
  test('covers what was appended before it; calls during one share the next', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    const datasync = await spied(t, file, 'datasync')
    journal.append(1)
    const first = journal.sync()
    while (datasync.mock.callCount() === 0) await pause(0)
    journal.append(2)
    const shared = Array.from({ length: 50 }, () => journal.sync())
    journal.append(3)
    await Promise.all([first, ...shared, journal.sync()])
    assert.equal(datasync.mock.callCount(), 2)
    assert.equal((await stat(file)).size, journal.bytes)
    await journal.sync()
    assert.equal(datasync.mock.callCount(), 3)
    await journal.close()
  })

  test('shared by a later call covers what was appended before that one', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    const sizes: number[] = []
    const datasync = await spied(t, file, 'datasync')
    datasync.mock.mockImplementation(() => {
      sizes.push(statSync(file).size)
      return Promise.resolve()
    })
    journal.append(1)
    const first = journal.sync()
    // The first record is being written now; the sync has not begun.
    await Promise.resolve()
    journal.append(2)
    await Promise.all([first, journal.sync()])
    assert.deepEqual(sizes, [journal.bytes])
    await journal.close()
  })

  test('or a fold between appends never changes their order', async (t) => {
    const file = await journalFile(t)
    for (const foldEvery of [Infinity, 97, 10, 1]) {
      await rm(file, { force: true })
      const { journal } = await Journal.open(file)
      const waiting: Promise<void>[] = []
      const expected: unknown[] = []
      for (let n = 1; n <= 1000; n++) {
        journal.append(n)
        expected.push(n)
        if (n % 3 === 0) waiting.push(journal.sync())
        if (n % foldEvery === 0) {
          waiting.push(journal.fold([`fold ${n}`]))
          expected.splice(0, Infinity, `fold ${n}`)
        }
        if (n % 50 === 0) await waiting[n % waiting.length]
      }
      await Promise.all(waiting)
      await journal.close()
      assert.deepEqual(await recordsOf(file), expected)
    }
  })

  test('tells a full disk as E_QUOTA, and so does every later one', async (t) => {
    if (!existsSync('/dev/full')) {
      t.skip('this system has no /dev/full')
      return
    }
    const { journal } = await Journal.open('/dev/full')
    journal.append(1)
    for (let n = 0; n < 3; n++) {
      await assert.rejects(journal.sync(), { code: 'E_QUOTA' })
      journal.append(2)
    }
    await assert.rejects(journal.fold([]), { code: 'E_QUOTA' })
    assert.equal(existsSync('/dev/full.new'), false)
    await journal.close()
  })

  test('that was never called lets the closing tell of a failed write', async (t) => {
    if (!existsSync('/dev/full')) {
      t.skip('this system has no /dev/full')
      return
    }
    const { journal } = await Journal.open('/dev/full')
    journal.append(1)
    await assert.rejects(journal.close(), { code: 'E_QUOTA' })
  })

  test('that failed is never tried again, nor is anything written after it', async (t) => {
    const file = await journalFile(t)
    const { journal } = await Journal.open(file)
    const datasync = await spied(t, file, 'datasync')
    datasync.mock.mockImplementationOnce(() => Promise.reject(IO_ERROR))
    journal.append(1)
    const told = [journal.sync()]
    while (datasync.mock.callCount() === 0) await pause(0)
    for (let n = 0; n < 3; n++) {
      journal.append('after')
      told.push(journal.sync(), journal.fold(['after']))
      await Promise.allSettled(told)
    }
    for (const one of told) await assert.rejects(one, { code: 'E_STATE', cause: IO_ERROR })
    assert.equal(datasync.mock.callCount(), 1)
    await journal.close()
    assert.deepEqual(await recordsOf(file), [1])
  })

  test('after the journal was closed is told', async (t) => {
    const { journal } = await Journal.open(await journalFile(t))
    await journal.close()
    journal.append(1)
    await assert.rejects(journal.sync(), { code: 'E_STATE' })
    await journal.close()
  })
})
