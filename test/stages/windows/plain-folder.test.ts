import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { plainFolder, type Places } from '../../../src/stages/windows/plain-folder.ts'
import { tempFolder } from '../../support/temp-folder.ts'

async function setUp(t: TestContext, change: Partial<Places> = {}) {
  const root = await tempFolder(t)
  const [umlaut, plain] = [path.join(root, 'Jörg'), path.join(root, 'ProgramData')]
  for (const folder of [umlaut, plain]) await mkdir(folder)
  const asked: string[] = []
  const makePrivate = (folder: string): boolean => {
    asked.push(folder)
    return true
  }
  const here: Places = { platform: 'win32', folders: [umlaut, path.join(root, 'none'), plain], makePrivate, ...change }
  return { root, plain, asked, here }
}

describe('a folder that a program of the system code page can open files in', () => {
  test('is a private one elsewhere when its own path has other characters, and goes with what is in it', async (t) => {
    const { plain, asked, here } = await setUp(t)
    const found = await plainFolder('C:\\ProgramData\\Бэкап', here)
    assert.equal(path.dirname(found.path), plain)
    assert.deepEqual(asked, [found.path], 'before anything is in it')
    writeFileSync(path.join(found.path, 'a.cnf'), 'secret')
    await found.remove()
    await found.remove()
    assert.deepEqual(readdirSync(plain), [])
  })

  test('is itself with a plain path, and on other systems', async (t) => {
    const { plain, root, asked, here } = await setUp(t)
    assert.equal((await plainFolder(plain, here)).path, plain)
    assert.equal((await plainFolder('/srv/Бэкап', { ...here, platform: 'linux' })).path, '/srv/Бэкап')
    const itself = await plainFolder(root, here)
    await itself.remove()
    assert.ok(existsSync(root))
    assert.deepEqual(asked, [])
  })

  test('is itself, too, where others could read the new one', async (t) => {
    const { plain, here } = await setUp(t, { makePrivate: () => false })
    assert.equal((await plainFolder('C:\\Бэкап', here)).path, 'C:\\Бэкап')
    assert.deepEqual(readdirSync(plain), [])
  })
})
