import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { compareInWalk } from '../../../src/stages/plan/walk-order.ts'
import { walkArchive } from '../../../src/stages/plan/walk.ts'
import { seeded } from '../../support/seed.ts'
import { threadCount, threadsEnded } from '../../support/threads.ts'
import { collect, everything, gridOf, never, newFolder, pathsOf, treeOf, walkAll } from './tree.ts'

/** More than a walk holds for a reader that has only begun. */
const FOLDERS = 40
const EACH = 40
const MOST_HELD = 1000 + 4 * EACH

test('a walk finds every file at every depth, hidden ones too, with size and time', async (t) => {
  const deep = `${'d/'.repeat(200)}deep`
  const root = treeOf(t, ['top', 'a/b/c.dcm', '.hidden', '.folder/.file', deep])
  mkdirSync(path.join(root, 'empty/empty'), { recursive: true })
  utimesSync(path.join(root, 'top'), 0, 1_000_000_000.25)
  const { files, leftOut } = await walkAll(root)
  assert.deepEqual(leftOut, [])
  assert.deepEqual(files.map((file) => file.path).sort(), ['.folder/.file', '.hidden', 'a/b/c.dcm', deep, 'top'].sort())
  for (const file of files) {
    const { size, mtimeMs } = statSync(path.join(root, file.path))
    assert.deepEqual(file, { path: file.path, size, mtimeMs })
  }
  assert.equal(files.find((file) => file.path === 'top')?.mtimeMs, 1_000_000_000_250)
})

test('an empty archive folder has no files', async (t) => {
  assert.deepEqual(await walkAll(newFolder(t)), { files: [], leftOut: [] })
})

test('each walk gives the same order, in which the files of a folder stand together and by name', async (t) => {
  const { root, files } = gridOf(t, FOLDERS, EACH)
  for (let walk = 0; walk < 2; walk++) {
    const { files: found } = await walkAll(root)
    assert.deepEqual(
      found.map((file) => file.path),
      files,
    )
  }
})

test('the files of a folder come before its folders, both by the code units of their names', async (t) => {
  // In bytes U+E000 comes before U+10000, in code units behind it.
  const names = [
    'a',
    'a b',
    'a.b',
    'a/b',
    'a/a/a',
    'a/a.x',
    'B',
    'b',
    'é',
    '\u{10000}',
    '\uE000',
    'b/\u{10000}/x',
    'b/\uE000/x',
  ]
  const folder = (name: string): string => name.replace(/^(a|b)\//, '$1-folder/')
  const root = treeOf(t, names.map(folder))
  const { files } = await walkAll(root)
  const found = files.map((file) => file.path)
  assert.deepEqual(found, names.map(folder).sort(compareInWalk))
  assert.deepEqual(found, [
    ...['B', 'a', 'a b', 'a.b', 'b', 'é', '\u{10000}', '\uE000', 'a-folder/a.x', 'a-folder/b', 'a-folder/a/a'],
    ...['b-folder/\u{10000}/x', 'b-folder/\uE000/x'],
  ])
})

test('two walks of a tree that has changed meanwhile are merged as streams', async (t) => {
  const random = seeded('walks to merge')
  const name = (): string => `${random.pick(['a', 'a.', 'a-', 'b', 'ab', 'a b', 'z'])}${random.between(0, 3)}`
  const paths = (): string[] =>
    Array.from({ length: 120 }, () => Array.from({ length: random.between(1, 4) }, name).join('/'))
  // No path is another one's folder: files end with a word of their own.
  const [both, before, after] = [paths(), paths(), paths()].map((all) => all.map((one) => `${one}/x${one.length}`))
  const root = treeOf(t, [...both!, ...before!])
  const first = (await walkAll(root)).files.map((file) => file.path)
  for (const one of before!) if (!both!.includes(one)) rmSync(path.join(root, one), { force: true })
  for (const one of after!) {
    mkdirSync(path.dirname(path.join(root, one)), { recursive: true })
    writeFileSync(path.join(root, one), '')
  }
  const merged = { gone: [] as string[], kept: [] as string[], added: [] as string[] }
  let at = 0
  for await (const item of walkArchive(root, everything, never)) {
    assert.ok('path' in item)
    for (; at < first.length && compareInWalk(first[at]!, item.path) < 0; at += 1) merged.gone.push(first[at]!)
    if (first[at] === item.path) merged.kept.push(first[(at += 1) - 1]!)
    else merged.added.push(item.path)
  }
  merged.gone.push(...first.slice(at))
  const now = [...new Set([...both!, ...after!])].sort(compareInWalk)
  assert.deepEqual(
    merged.gone,
    first.filter((one) => !now.includes(one)),
  )
  assert.deepEqual(
    merged.kept,
    first.filter((one) => now.includes(one)),
  )
  assert.deepEqual(
    merged.added,
    now.filter((one) => !first.includes(one)),
  )
  assert.ok(merged.gone.length > 20 && merged.kept.length > 20 && merged.added.length > 20)
})

test('a folder that takes longer to read than its neighbours keeps its place', async (t) => {
  const large = Array.from({ length: 500 }, (_, index) => `a/${1000 + index}`)
  const root = treeOf(t, ['d/x', 'c/x', 'b/x', ...large])
  const { files } = await walkAll(root)
  assert.deepEqual(
    files.map((file) => file.path),
    [...large, 'b/x', 'c/x', 'd/x'],
  )
})

test('a relative root, and one with a slash at its end, is the same folder', async (t) => {
  const root = treeOf(t, ['a/b'])
  assert.deepEqual(await pathsOf(path.relative('.', root)), ['a/b'])
  assert.deepEqual(await pathsOf(root + path.sep), ['a/b'])
})

test('however slow its reader, a walk reads only some folders ahead', async (t) => {
  const { root, folders } = gridOf(t, FOLDERS, EACH)
  const walk = walkArchive(root, everything, never)
  await walk.next()
  await pause(300)
  // What the walk has not listed by now it will not find any more.
  for (const folder of folders) rmSync(path.join(root, folder), { recursive: true })
  const { files, leftOut } = await collect(walk)
  const found = 1 + files.length
  assert.ok(found <= MOST_HELD, `${found} files were held`)
  assert.equal(leftOut.length, FOLDERS - found / EACH)
  assert.ok(leftOut.every(({ reason }) => reason === 'no longer there'))
})

test('a slow reader gets all of 20,000 files in one folder', async (t) => {
  const { root, files } = gridOf(t, 1, 20_000)
  const seen: string[] = []
  for await (const item of walkArchive(root, everything, never)) {
    assert.ok('path' in item)
    seen.push(item.path)
    if (seen.length % 4000 === 0) await pause(20)
  }
  assert.deepEqual(seen, files)
})

test('a folder that goes away during the walk is told, and the rest is found', async (t) => {
  const { root, folders } = gridOf(t, FOLDERS, EACH)
  const last = folders.at(-1)!
  const walk = walkArchive(root, everything, never)
  await walk.next()
  rmSync(path.join(root, last), { recursive: true })
  const { files, leftOut } = await collect(walk)
  assert.equal(1 + files.length, (FOLDERS - 1) * EACH)
  assert.deepEqual(leftOut, [{ path: last, reason: 'no longer there' }])
})

const cannotForbid = process.platform === 'win32' || process.getuid?.() === 0
test(
  'a folder that may not be read is told',
  { skip: cannotForbid && 'this account may read everything' },
  async (t) => {
    const root = treeOf(t, ['a/b', 'secret/c'])
    chmodSync(path.join(root, 'secret'), 0)
    t.after(() => {
      chmodSync(path.join(root, 'secret'), 0o700)
    })
    const { files, leftOut } = await walkAll(root)
    assert.deepEqual(
      files.map((file) => file.path),
      ['a/b'],
    )
    assert.deepEqual(leftOut, [{ path: 'secret', reason: 'permission denied' }])
  },
)

test('a missing archive folder fails the walk, naming the folder and what to look at', async (t) => {
  const root = path.join(newFolder(t), 'not-mounted')
  await assert.rejects(walkAll(root), (error) => {
    assert.ok(error instanceof BackupError)
    assert.equal(error.code, 'E_SOURCE')
    assert.ok(error.message.includes(root))
    assert.match(error.message, /does not exist/)
    assert.match(error.advice, /mounted.*dicom\.root/)
    return true
  })
})

test('an archive folder that is a file fails the walk', async (t) => {
  const root = path.join(treeOf(t, ['file']), 'file')
  await assert.rejects(walkAll(root), { code: 'E_SOURCE', message: `The archive folder ${root} is not a folder.` })
})

test('an archive folder that goes away during the walk fails it', async (t) => {
  const { root } = gridOf(t, FOLDERS, EACH)
  const walk = walkArchive(root, everything, never)
  await walk.next()
  renameSync(root, `${root}-gone`)
  t.after(() => {
    rmSync(`${root}-gone`, { recursive: true })
  })
  await assert.rejects(collect(walk), { code: 'E_SOURCE' })
})

test('a stopped walk rejects with the reason of the stop, before it starts and in its midst', async (t) => {
  const { root } = gridOf(t, FOLDERS, EACH)
  const reason = new BackupError('E_ABORTED', 'Ctrl-C')
  const early = AbortSignal.abort(reason)
  await assert.rejects(walkArchive(root, everything, early).next(), reason)
  for (const after of [1, 50, 1500]) {
    const stop = new AbortController()
    const walk = walkArchive(root, everything, stop.signal)
    for (let taken = 0; taken < after; taken++) await walk.next()
    stop.abort(reason)
    await assert.rejects(walk.next(), reason)
    assert.equal((await walk.next()).done, true)
  }
})

test('a reader may leave at any time', async (t) => {
  const { root } = gridOf(t, FOLDERS, EACH)
  for (const after of [1, 999, 1000, 1001, FOLDERS * EACH]) {
    let taken = 0
    for await (const item of walkArchive(root, everything, never)) {
      assert.ok('path' in item)
      if (++taken === after) break
    }
    assert.equal(taken, after)
  }
})

test('the folders the program writes to are told and not entered', async (t) => {
  const root = treeOf(t, ['a/b', '.dicom-backup/journal', 'logs/run.log', 'logs/keep', 'backups/x.zip', 'backups2/y'])
  const outside = newFolder(t)
  const skipFolders = ['.dicom-backup', 'logs/run.log', 'backups', 'not-yet'].map((name) => path.join(root, name))
  const { files, leftOut } = await walkAll(root, {
    skipFolders: [...skipFolders, outside, path.dirname(root), `${root}2`],
  })
  assert.deepEqual(files.map((file) => file.path).sort(), ['a/b', 'backups2/y', 'logs/keep'])
  assert.deepEqual(
    leftOut.sort((a, b) => (a.path < b.path ? -1 : 1)),
    ['.dicom-backup', 'backups', 'logs/run.log'].map((name) => ({
      path: name,
      reason: 'files of the backup program itself',
    })),
  )
})

test('an archive folder that the program writes to itself is a fault of the configuration', async (t) => {
  const root = treeOf(t, ['a'])
  await assert.rejects(walkAll(root, { skipFolders: [`${root}${path.sep}`] }), { code: 'E_CONFIG' })
})

test('files that are written during the walk are found once or not at all', async (t) => {
  const { root, folders, files } = gridOf(t, FOLDERS, EACH)
  const seen: string[] = []
  for await (const item of walkArchive(root, everything, never)) {
    assert.ok('path' in item)
    seen.push(item.path)
    if (seen.length === 10) for (const folder of folders) writeFileSync(path.join(root, folder, 'new'), '')
  }
  assert.equal(new Set(seen).size, seen.length)
  assert.deepEqual(
    seen.filter((name) => !name.endsWith('/new')),
    files,
  )
})

test("a walk's threads end when it has ended, however that was, and no other has begun", async (t) => {
  const { root } = gridOf(t, FOLDERS, EACH)
  await threadsEnded(0)
  const stop = new AbortController()
  for await (const _ of walkArchive(root, everything, never)) break
  await threadsEnded(0)
  await walkAll(root)
  await threadsEnded(0)
  const walk = walkArchive(root, everything, stop.signal)
  await walk.next()
  assert.ok(threadCount() > 0)
  const other = walkArchive(root, everything, never)
  await other.next()
  stop.abort()
  await assert.rejects(walk.next())
  assert.ok(threadCount() > 0, 'there is another')
  for await (const _ of other);
  await threadsEnded(0)
  await assert.rejects(walkAll(path.join(root, 'f00000', '00000')), { code: 'E_SOURCE' })
  await threadsEnded(0)
})
