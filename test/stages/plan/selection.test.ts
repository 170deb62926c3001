import assert from 'node:assert/strict'
import { test } from 'node:test'
import { branchesOf } from '../../../src/stages/plan/branches.ts'
import { selectionOf, type Patterns, type Selection } from '../../../src/stages/plan/selection.ts'
import { pathsOf, treeOf } from './tree.ts'

const select = (patterns: Patterns): Selection => selectionOf(patterns, branchesOf(patterns))

const FILES = [
  '2023/ct/1.dcm',
  '2023/ct/2.txt',
  '2024/ct/1.dcm',
  '2024/mr/.x.dcm',
  'readme.txt',
  'tmp/a/b.dcm',
  'x.dcm/1.txt',
]

test('patterns choose files as an administrator reads them', async (t) => {
  const root = treeOf(t, FILES)
  const cases: readonly (readonly [include: string[], exclude: string[], expected: (path: string) => boolean])[] = [
    [['**/*'], [], () => true],
    [['**'], [], () => true],
    [['**/*.dcm'], [], (path) => path.endsWith('.dcm')],
    [['2024/**', '**/*.dcm', '2024/ct/*'], [], (path) => path.startsWith('2024/') || path.endsWith('.dcm')],
    [['*'], [], (path) => path === 'readme.txt'],
    [['./readme.txt'], [], (path) => path === 'readme.txt'],
    [['202{3,4}/ct/**'], [], (path) => /^202.\/ct/.test(path)],
    [['!(2023|tmp)/**/*'], [], (path) => path.startsWith('2024/') || path.startsWith('x.dcm/')],
    [['**/*'], ['tmp'], (path) => !path.startsWith('tmp/')],
    [['**/*'], ['tmp/'], (path) => !path.startsWith('tmp/')],
    [['**/*'], ['tmp/**'], (path) => !path.startsWith('tmp/')],
    [['**/*'], ['**/ct', '*.txt'], (path) => !path.includes('/ct/') && path !== 'readme.txt'],
    [['**/*', '!tmp/**'], [], (path) => !path.startsWith('tmp/')],
    [['**/*'], ['**/*.dcm'], (path) => !path.includes('.dcm')],
    [['nothing/here'], [], () => false],
    [['**/*'], ['**'], () => false],
  ]
  for (const [include, exclude, expected] of cases) {
    assert.deepEqual(
      await pathsOf(root, { include, exclude }),
      FILES.filter(expected).sort(),
      JSON.stringify({ include, exclude }),
    )
  }
})

test('folders in which nothing can be wanted are not entered', () => {
  const { enters } = select({ include: ['2024/ct/**/*.dcm', 'b\\[1\\]/y/*'], exclude: ['2024/ct/old/**'] })
  for (const folder of ['2024', '2024/ct', '2024/ct/1/2', 'b[1]', 'b[1]/y']) assert.ok(enters(folder), folder)
  for (const folder of ['2023', '2024/mr', '2024x', 'b1', 'b[1]/z', '2024/ct/old', '2024/ct/old/x']) {
    assert.equal(enters(folder), false, folder)
  }
  const braces = select({ include: ['{a,b}/{c,d}/*', 'one/file.dcm'], exclude: [] })
  for (const folder of ['a', 'a/c', 'b/d', 'one']) assert.ok(braces.enters(folder), folder)
  for (const folder of ['c', 'a/e', 'one/more', 'one/file.dcm']) assert.equal(braces.enters(folder), false, folder)
  // Where a pattern begins with a glob, what it names may be anywhere.
  assert.ok(select({ include: ['2024/*', '[a]/x'], exclude: [] }).enters('2023'))
})

test('case matters in names where it does in the file system', () => {
  const { takes } = select({ include: ['CT/*.dcm'], exclude: [] })
  assert.equal(takes('CT/1.dcm'), true)
  assert.equal(takes('ct/1.DCM'), process.platform === 'win32')
})
