import assert from 'node:assert/strict'
import fs, { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { discard, replaceFile, replaceFileSync } from '../../../../src/stages/restore/files/replace.ts'
import { NotRestored, targetError } from '../../../../src/stages/restore/files/errors.ts'
import { refuseCalls, systemError } from '../../../support/refused-calls.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

interface Files {
  readonly temporary: string
  readonly final: string
}

async function files(t: TestContext): Promise<Files> {
  const folder = await tempFolder(t)
  const [temporary, final] = [path.join(folder, 'part'), path.join(folder, 'final')]
  writeFileSync(temporary, 'new')
  return { temporary, final }
}

/** Renames, as Windows does them: over nothing that is read-only or a folder, nor `times` times over what is in use. */
function renameLikeWindows(t: TestContext, times = 0): () => number {
  let calls = 0
  const { renameSync } = fs
  const rename = fs.promises.rename
  const refuse = (final: string): void => {
    calls += 1
    const found = fs.lstatSync(final, { throwIfNoEntry: false })
    const isInTheWay = found !== undefined && (found.isDirectory() || (found.mode & 0o200) === 0)
    if (isInTheWay || calls <= times) throw systemError('EPERM', 'rename')
  }
  const mocks = [
    t.mock.method(fs, 'renameSync', (from: string, to: string) => {
      refuse(to)
      renameSync(from, to)
    }),
    t.mock.method(fs.promises, 'rename', async (from: string, to: string) => {
      refuse(to)
      await rename(from, to)
    }),
  ]
  syncBuiltinESMExports()
  t.after(() => {
    for (const { mock } of mocks) mock.restore()
    syncBuiltinESMExports()
  })
  return () => calls
}

const ways: Readonly<Record<string, (one: Files) => Promise<void>>> = {
  'in a thread': ({ temporary, final }) =>
    Promise.resolve().then(() => {
      replaceFileSync(temporary, final, 'win32')
    }),
  'beside the main work': ({ temporary, final }) => replaceFile(temporary, final, 'win32'),
}

for (const [way, replace] of Object.entries(ways)) {
  describe(`a restored file gets its name on Windows, ${way}`, () => {
    test('where nothing is in its place', async (t) => {
      const one = await files(t)
      const calls = renameLikeWindows(t)
      await replace(one)
      assert.equal(readFileSync(one.final, 'utf8'), 'new')
      assert.equal(calls(), 1)
    })

    test('over one that another program has open for a moment', async (t) => {
      const one = await files(t)
      writeFileSync(one.final, 'old')
      const calls = renameLikeWindows(t, 3)
      await replace(one)
      assert.equal(readFileSync(one.final, 'utf8'), 'new')
      assert.equal(calls(), 4)
    })

    test('over one that is read-only', async (t) => {
      const one = await files(t)
      writeFileSync(one.final, 'old')
      chmodSync(one.final, 0o444)
      renameLikeWindows(t)
      await replace(one)
      assert.equal(readFileSync(one.final, 'utf8'), 'new')
    })

    test('not over a folder, which is said at once', async (t) => {
      const one = await files(t)
      mkdirSync(one.final)
      const calls = renameLikeWindows(t)
      await assert.rejects(replace(one), { code: 'EISDIR' })
      assert.equal(calls(), 1)
      assert.ok(statSync(one.final).isDirectory())
    })

    test('not over one that stays open, which stays as it was', async (t) => {
      const one = await files(t)
      writeFileSync(one.final, 'old')
      renameLikeWindows(t, Infinity)
      await assert.rejects(replace(one), { code: 'EPERM' })
      assert.equal(readFileSync(one.final, 'utf8'), 'old')
      await discard(one.temporary)
      assert.equal(existsSync(one.temporary), false)
    })
  })
}

test('what cannot be removed of a restore is left for the next', async (t) => {
  const { temporary } = await files(t)
  // On Windows it is tried again for a second.
  refuseCalls(t, 'rm', 'EBUSY', process.platform === 'win32' ? Infinity : 1)
  await discard(temporary)
  assert.ok(existsSync(temporary))
})

describe('what the system says of one file costs that file, not the restore', () => {
  const told = (code: string, platform: NodeJS.Platform, folder = import.meta.dirname): string => {
    const found = targetError(systemError(code, 'rename'), folder, 'file', platform)
    assert.ok(found instanceof NotRestored, code)
    return found.message
  }

  test('on Windows', () => {
    for (const code of ['EPERM', 'EACCES', 'EBUSY']) assert.match(told(code, 'win32'), /another program has .* open/)
    assert.match(told('ENOENT', 'win32'), /its name is too long for Windows/)
  })

  test('elsewhere', () => {
    assert.equal(told('EACCES', 'linux'), 'this account may not write there')
    assert.match(told('EPERM', 'linux'), /may not replace/)
    for (const code of ['EBUSY', 'ETXTBSY']) assert.match(told(code, 'linux'), /another program has/)
  })

  test('but not what is true of all of them', () => {
    const code = (error: Error): unknown => 'code' in error && error.code
    const gone = path.join(import.meta.dirname, 'gone')
    for (const platform of ['win32', 'linux'] as const) {
      for (const one of ['EIO', 'EROFS']) {
        assert.equal(code(targetError(systemError(one, 'open'), gone, 'file', platform)), 'E_CONFIG')
      }
      assert.equal(code(targetError(systemError('ENOSPC', 'write'), gone, 'file', platform)), 'E_QUOTA')
      assert.equal(code(targetError(systemError('ENOENT', 'open'), gone, 'file', platform)), 'E_CONFIG', 'no drive')
      assert.equal(code(targetError(systemError('EPERM', 'mkdir'), gone, 'folder', platform)), 'E_CONFIG')
    }
  })
})
