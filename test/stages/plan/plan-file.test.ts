import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { FIRST_FILE_BYTES, writePlan } from '../../../src/stages/plan/plan-file.ts'
import { checkPlan, checkPlanVersion, readPlan, type PlanLine } from '../../../src/stages/plan/plan-reader.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { collect, everything, gridOf, never, newFolder, treeOf, walkAll } from './tree.ts'

async function linesOf(file: string, from = 0): Promise<PlanLine[]> {
  const lines: PlanLine[] = []
  for await (const line of readPlan(file, from)) lines.push(line)
  return lines
}

const itemsOf = async (file: string, from = 0): Promise<WalkItem[]> =>
  (await linesOf(file, from)).map(({ item }) => item)

const windows = process.platform === 'win32'

test('a plan gives what the walk found, whatever the names, from any line on', { skip: windows }, async (t) => {
  const root = treeOf(t, ['a/1', 'a/new\nline', 'a/\u2028', 'b/"q"', '🩻/\\', 'state/journal'])
  const odd = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xe9)])
  if (process.platform === 'linux') writeFileSync(odd, 'odd')
  symlinkSync('nowhere', path.join(root, 'link'))
  const file = path.join(newFolder(t), 'plan')
  const options = { ...everything, skipFolders: [path.join(root, 'state')] }
  const { files, bytes } = await writePlan(file, root, options, never)
  const found = await walkAll(root, options)
  const planned = await linesOf(file)
  const { files: read, leftOut } = await collect(readPlanItems(file))
  assert.deepEqual(read, found.files)
  assert.deepEqual(leftOut, [{ path: 'link', reason: 'a symbolic link' }])
  assert.deepEqual([files, bytes], [read.length, read.reduce((sum, { size }) => sum + size, 0)])
  for (const [n, { end }] of planned.entries()) {
    assert.deepEqual(
      await itemsOf(file, end),
      planned.slice(n + 1).map(({ item }) => item),
    )
  }
})

async function* readPlanItems(file: string): AsyncGenerator<WalkItem> {
  for await (const { item } of readPlan(file)) yield item
}

test("a plan's checksum is that of its file, however long that is, and finds what was changed in it", async (t) => {
  const file = path.join(newFolder(t), 'plan')
  for (const [folders, each] of [
    [0, 0],
    [1, 1],
    [3, 4000],
  ] as const) {
    const { root } = gridOf(t, folders, each)
    const { crc, files } = await writePlan(file, root, everything, never)
    assert.equal(files, folders * each)
    assert.equal(crc, crc32(readFileSync(file)))
    await checkPlan(file, crc)
    appendFileSync(file, '\n')
    await assert.rejects(checkPlan(file, crc), { code: 'E_STATE' })
  }
  if (!windows) assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('a plan begins with its first small file, when one comes soon', async (t) => {
  const root = newFolder(t)
  mkdirSync(path.join(root, 'z'))
  for (const name of ['1', '2']) writeFileSync(path.join(root, name), Buffer.alloc(FIRST_FILE_BYTES + 1))
  for (const name of ['3', 'z/4']) writeFileSync(path.join(root, name), 'small')
  const file = path.join(newFolder(t), 'plan')
  await writePlan(file, root, everything, never)
  const names = (await itemsOf(file)).map((item) => ('path' in item ? item.path : ''))
  assert.deepEqual(names, ['3', '1', '2', 'z/4'])
})

test('a plan of before there were versions is read from any line on; one of a newer version is refused', async (t) => {
  const file = path.join(newFolder(t), 'plan')
  const old = '["a",1,1767323045000]\n["b","a symbolic link"]\n'
  writeFileSync(file, old)
  await checkPlan(file, crc32(old))
  const lines = await linesOf(file)
  assert.deepEqual(
    lines.map(({ item }) => item),
    [{ path: 'a', size: 1, mtimeMs: 1767323045000 }, { leftOut: { path: 'b', reason: 'a symbolic link' } }],
  )
  assert.deepEqual(await itemsOf(file, lines[0]?.end), [lines[1]?.item])

  const newer = `{"format":2}\n${old}`
  writeFileSync(file, newer)
  for (const read of [checkPlan(file, crc32(newer)), checkPlanVersion(file), itemsOf(file)]) {
    await assert.rejects(read, { code: 'E_STATE', message: /made by a newer version/ })
  }
  for (const line of ['["a"]', '["a",null,3]', '[1,2,3]', '7']) {
    writeFileSync(file, `{"format":1}\n${line}\n`)
    await assert.rejects(itemsOf(file), { code: 'E_STATE', message: /is damaged/ })
  }
})
