import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { folderActiveRun } from '../../../src/stages/state/folder-active-run.ts'
import { takeFolderLock } from '../../../src/stages/state/folder-lock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const lockModule = path.resolve(import.meta.dirname, '../../../src/stages/state/folder-lock.ts')

describe('the lock of the state folder', () => {
  test('is held by one, who is told to others, and is free after its release', async (t) => {
    const folder = await tempFolder(t)
    const lock = await takeFolderLock(folder)
    await assert.rejects(takeFolderLock(folder), {
      code: 'E_LOCKED',
      message: new RegExp(`process ${process.pid}, since `),
    })
    await assert.rejects(takeFolderLock(folder), { code: 'E_LOCKED' })
    await lock.release()
    const again = await takeFolderLock(folder)
    await assert.rejects(takeFolderLock(folder), { code: 'E_LOCKED' })
    await again.release()
  })

  test('goes with the process that held it, however it ended', async (t) => {
    const folder = await tempFolder(t)
    const script = `
      import { takeFolderLock } from ${JSON.stringify(new URL(`file://${lockModule}`).href)}
      await takeFolderLock(${JSON.stringify(folder)})
      console.log('held')
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await assert.rejects(takeFolderLock(folder), { code: 'E_LOCKED', message: new RegExp(`process ${child.pid}`) })
    child.kill('SIGKILL')
    await once(child, 'close')
    await (await takeFolderLock(folder)).release()
  })

  test('that is damaged is replaced, its content kept and named; it is one lock all the while', async (t) => {
    const folder = await tempFolder(t)
    const file = path.join(folder, 'lock.sqlite')
    const text = 'this is no database, and long enough to be seen as none at first glance. '.repeat(20)
    await writeFile(file, text)
    assert.equal(await folderActiveRun(folder), null)
    const replaced: string[] = []
    const lock = await takeFolderLock(folder, (sentence) => replaced.push(sentence))
    await assert.rejects(takeFolderLock(folder), { code: 'E_LOCKED' })
    await lock.release()
    const [aside = ''] = (await readdir(folder)).filter((name) => name.startsWith('lock.sqlite.damaged_'))
    assert.equal(await readFile(path.join(folder, aside), 'utf8'), text)
    assert.equal(replaced.length, 1)
    assert.ok(replaced[0]?.includes(file) && replaced[0].includes(aside), replaced[0])
  })

  test('that cannot be taken for another reason is told as E_STATE, and is not held after it', async (t) => {
    const folder = await tempFolder(t)
    await assert.rejects(takeFolderLock(path.join(folder, 'missing')), { code: 'E_STATE' })

    const [database, holder] = ['lock.sqlite', 'lock-holder.json'].map((name) => path.join(folder, name))
    await mkdir(database!)
    await assert.rejects(takeFolderLock(folder), { code: 'E_STATE' })
    await rm(database!, { recursive: true })

    await mkdir(holder!)
    await assert.rejects(takeFolderLock(folder), { code: 'E_STATE' })
    await rm(holder!, { recursive: true })
    await (await takeFolderLock(folder)).release()
  })
})
