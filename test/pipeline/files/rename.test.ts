import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { renameOver, renameOverSync, whenFree, whenFreeSync } from '../../../src/pipeline/files/rename.ts'
import { syncName } from '../../../src/pipeline/files/state-file.ts'
import { refuseCalls, systemError } from '../../support/refused-calls.ts'
import { tempFolder } from '../../support/temp-folder.ts'

async function twoFiles(t: TestContext): Promise<{ from: string; to: string }> {
  const folder = await tempFolder(t)
  const [from, to] = [path.join(folder, 'new'), path.join(folder, 'old')]
  await writeFile(from, 'new')
  await writeFile(to, 'old')
  return { from, to }
}

describe('a file that another program has open on Windows', () => {
  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    test(`is renamed over when the program lets go of it (${code})`, async (t) => {
      const { from, to } = await twoFiles(t)
      const refused = refuseCalls(t, 'rename', code, 4)
      await renameOver(from, to, { platform: 'win32' })
      assert.equal(refused(), 4)
      assert.equal(await readFile(to, 'utf8'), 'new')
    })

    test(`is given up when it stays open (${code}), and both files are as they were`, async (t) => {
      const { from, to } = await twoFiles(t)
      const refused = refuseCalls(t, 'rename', code, Infinity)
      await assert.rejects(renameOver(from, to, { platform: 'win32', forMs: 50 }), { code })
      assert.ok(refused() > 1)
      assert.deepEqual([await readFile(from, 'utf8'), await readFile(to, 'utf8')], ['new', 'old'])
    })
  }

  test('is not waited for when nothing is to be waited for', async (t) => {
    const { from, to } = await twoFiles(t)
    const refused = refuseCalls(t, 'rename', 'EBUSY', Infinity)
    await assert.rejects(renameOver(from, to, { platform: 'win32', forMs: 0 }), { code: 'EBUSY' })
    assert.equal(refused(), 1)
  })

  test('is waited for in threads that make plain calls, too', () => {
    let calls = 0
    const call = (): string => {
      calls += 1
      if (calls < 4) throw systemError('EBUSY', 'open')
      return 'open'
    }
    assert.equal(whenFreeSync(call, { platform: 'win32' }), 'open')
    assert.equal(calls, 4)
  })
})

test('other errors, and the same ones elsewhere, are told at once', async () => {
  for (const [code, platform] of [
    ['ENOSPC', 'win32'],
    ['ENOENT', 'win32'],
    ['EPERM', 'linux'],
    ['EBUSY', 'darwin'],
  ] as const) {
    let calls = 0
    const call = (): never => {
      calls += 1
      throw systemError(code, 'rename')
    }
    await assert.rejects(
      whenFree(() => Promise.resolve().then(call), { platform }),
      { code },
    )
    assert.throws(() => whenFreeSync(call, { platform }), { code })
    assert.equal(calls, 2, code)
  }
})

test('a file is renamed over another by plain calls', async (t) => {
  const { from, to } = await twoFiles(t)
  renameOverSync(from, to)
  assert.deepEqual(await readdir(path.dirname(to)), ['old'])
  assert.equal(await readFile(to, 'utf8'), 'new')
})

describe('the new name of a file is made durable', () => {
  for (const platform of ['win32', 'linux'] as const) {
    test(`on ${platform}`, async (t) => {
      const { to } = await twoFiles(t)
      await syncName(to, platform)
      assert.equal(await readFile(to, 'utf8'), 'old')
    })
  }

  test('where Windows lets nobody open it meanwhile, it has its name all the same', async (t) => {
    const { to } = await twoFiles(t)
    const refused = refuseCalls(t, 'open', 'EBUSY', 2)
    await syncName(to, 'win32')
    assert.equal(refused(), 2)
  })

  test('one that is gone is told', async (t) => {
    const folder = await tempFolder(t)
    await mkdir(path.join(folder, 'a'))
    await assert.rejects(syncName(path.join(folder, 'gone'), 'win32'), { code: 'ENOENT' })
  })
})
