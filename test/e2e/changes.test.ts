/** What happens to the archive folder while a run goes on never spoils the archive, and its manifest tells the truth. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, open, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { checkedArchive, FILLER_BYTES, MIB, putReadAhead, putZeros, runDuring, slowRig } from '../support/held-up.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows does not let go of files that are open'
describe('files that change after they were planned and before they are read', { skip: POSIX_ONLY }, () => {
  test('are in the archive as they are then, or told', async (t) => {
    const rig = await slowRig(t)
    const at = (name: string): string => path.join(rig.root, name)
    await rig.put('0 first', 'x')
    await putZeros(rig, 'A filler', FILLER_BYTES)
    await putReadAhead(rig, 'B read ahead')
    const names = [
      'as it was',
      'gone',
      'grows',
      'shrinks',
      'emptied',
      'rewritten',
      'made large',
      'to a link',
      'to a folder',
      'folder gone/x',
      'folder gone/y',
      'to a file/x',
    ]
    for (const name of names) await rig.put(name, Buffer.alloc(100_000, name))

    const run = await runDuring(rig, async () => {
      await rm(at('gone'))
      await appendFile(at('grows'), Buffer.alloc(50_000, 'more'))
      await truncate(at('shrinks'), 40_000)
      await truncate(at('emptied'), 0)
      await writeFile(at('rewritten'), Buffer.alloc(100_000, 'other bytes'))
      await truncate(at('made large'), 9 * MIB)
      await rm(at('to a link'))
      await symlink(at('as it was'), at('to a link'))
      await rm(at('to a folder'))
      await mkdir(at('to a folder'))
      await rename(at('folder gone'), path.join(rig.folder, 'folder gone'))
      await rm(at('to a file'), { recursive: true })
      await writeFile(at('to a file'), 'x')
      await rig.put('new', 'comes with the next backup')
    })

    assert.equal(run.code, 3)
    assert.equal(run.result.status, 'partial')
    assert.deepEqual(
      run.result.warnings.map(({ code }) => code),
      ['files-skipped'],
    )
    assert.deepEqual(
      run.result.destinations.map(({ status }) => status),
      ['completed'],
    )
    const { entries, skipped, dead } = await checkedArchive(rig, run)
    assert.equal(dead, 0, 'nothing of them was begun')
    assert.deepEqual(Object.fromEntries(skipped), {
      gone: 'no longer there',
      'to a link': 'a symbolic link',
      'to a folder': 'changed while it was read',
      'folder gone/x': 'no longer there',
      'folder gone/y': 'no longer there',
      'to a file/x': 'changed while it was read',
    })
    const later = [...entries].filter(([name]) => !name.startsWith('B read ahead'))
    assert.equal(entries.size - later.length, 400)
    const sizes = Object.fromEntries(later.map(([name, { size }]) => [name, size]))
    delete sizes['backup-manifest.ndjson']
    assert.deepEqual(sizes, {
      '0 first': 1,
      'A filler': FILLER_BYTES,
      'as it was': 100_000,
      grows: 150_000,
      shrinks: 40_000,
      emptied: 0,
      rewritten: 100_000,
      'made large': 9 * MIB,
    })
  })
})

describe('a large file that changes while it is being read', { skip: POSIX_ONLY }, () => {
  const changes: Record<string, (file: string) => Promise<unknown>> = {
    'and grows': (file) => appendFile(file, 'more'),
    'and shrinks': (file) => truncate(file, 10 * MIB),
    'and is written to in its middle': async (file) => {
      const handle = await open(file, 'r+')
      try {
        await handle.write('x', 50 * MIB)
      } finally {
        await handle.close()
      }
    },
    'and is given another time': (file) => utimes(file, 1_000_000, 1_000_000),
  }
  for (const [what, change] of Object.entries(changes)) {
    test(`${what} is left out and told, and the archive is whole`, async (t) => {
      const rig = await slowRig(t)
      await rig.put('a', randomBytes(100_000))
      await putZeros(rig, 'large', FILLER_BYTES)
      await rig.put('z', randomBytes(100_000))
      const run = await runDuring(rig, () => change(path.join(rig.root, 'large')))
      assert.equal(run.code, 3)
      assert.deepEqual(
        run.result.warnings.map(({ code }) => code),
        ['files-skipped'],
      )
      const { entries, skipped, dead } = await checkedArchive(rig, run)
      assert.ok(dead > 0 && dead < FILLER_BYTES + 1000, 'what had been read of it stays behind, and nothing else')
      assert.deepEqual([...skipped], [['large', 'changed while it was read']])
      assert.deepEqual([...entries.keys()], ['a', 'z', 'backup-manifest.ndjson'])
    })
  }

  test('and is replaced by another is in the archive as it was when it was opened', async (t) => {
    const rig = await slowRig(t)
    await rig.put('a', 'x')
    await putZeros(rig, 'large', FILLER_BYTES)
    await writeFile(path.join(rig.folder, 'other'), 'other')
    const run = await runDuring(rig, () => rename(path.join(rig.folder, 'other'), path.join(rig.root, 'large')))
    assert.equal(run.code, 0, JSON.stringify(run.result))
    assert.equal((await checkedArchive(rig, run)).entries.get('large')?.size, FILLER_BYTES)
  })
})

test('files that are written to all the time are in the archive in one state, or told', async (t) => {
  const rig = await slowRig(t)
  for (let n = 0; n < 40; n += 1) await rig.put(`${n}.dcm`, Buffer.alloc(200_000, n))
  let on = true
  const write = async (): Promise<void> => {
    for (let n = 0; on; n = (n + 1) % 40) await appendFile(path.join(rig.root, `${n}.dcm`), 'more')
  }
  const writing = write()
  const { code, result } = await rig.run()
  on = false
  await writing
  assert.ok(code === 0 || code === 3, JSON.stringify(result))
  const { entries, skipped } = await checkedArchive(rig, { code, result })
  assert.equal(entries.size - 1 + skipped.size, 40)
})
