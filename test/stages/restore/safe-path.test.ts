import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { otherPaths, pathKey, safePath } from '../../../src/stages/restore/safe-path.ts'

const linux = { platform: 'linux', backslashSeparates: false } as const
const windows = { platform: 'win32', backslashSeparates: false } as const
const foreign = { platform: 'linux', backslashSeparates: true } as const

const refusedEverywhere = [
  '',
  '/',
  '//',
  '/etc/passwd',
  '//server/share/file',
  '..',
  '../x',
  'a/../../x',
  'a/..',
  'a/../',
  './x',
  'a/./x',
  'a//x',
  'a/b//',
  'C:/x',
  'c:x',
  'Z:\\x',
  'a\0b',
  'dicom_files/a\0.dcm',
  '.dicom-backup-restore.json',
  '.DICOM-backup-restore.json',
  '.dicom-backup-restore.json/x',
]

describe('the path of an entry below the target', () => {
  test('is refused when it leads out of it, or to what a restore itself keeps, on every system', () => {
    for (const name of refusedEverywhere) {
      for (const rules of [linux, windows, foreign]) {
        assert.ok('refused' in safePath(name, rules), `${JSON.stringify(name)} on ${rules.platform}`)
      }
    }
  })

  test('is refused with backslashes that lead out of it, where they may be ones between folders', () => {
    for (const name of ['..\\x', 'a\\..\\..\\x', '\\etc', '\\\\server\\share', 'C:\\x', 'a\\.\\x', '.\\x']) {
      assert.ok('refused' in safePath(name, foreign), name)
    }
    for (const name of ['\\etc', '\\\\server\\share\\x', '\\\\?\\C:\\x'])
      assert.ok('refused' in safePath(name, windows))
  })

  test('is as it stands on Linux, whatever characters are in it', () => {
    const names = [
      'dicom_files/a b/ü 心 🫀.dcm',
      'it\'s "quoted"',
      'back\\slash',
      'new\nline',
      'x/a:b',
      'CON',
      'nul.txt',
      'dot.',
      'space ',
      '...',
      '..a',
      'a..',
      '%E4.dcm',
      'n'.repeat(255),
      'a/.dicom-backup-restore.json',
    ]
    for (const name of names) assert.deepEqual(safePath(name, linux), { parts: name.split('/'), changed: null })
  })

  test('of a folder has no last slash', () => {
    assert.deepEqual(safePath('dicom_files/a/', linux), { parts: ['dicom_files', 'a'], changed: null })
  })

  test("of another program's archive has folders where it has backslashes", () => {
    assert.deepEqual(safePath('dicom_files\\1\\a.dcm', foreign), {
      parts: ['dicom_files', '1', 'a.dcm'],
      changed: null,
    })
  })

  test('is written in another way on Windows where a name leads to a device, a stream or another name', () => {
    const names: readonly (readonly [name: string, path: string])[] = [
      ['CON', '%43ON'],
      ['nul.txt', '%6Eul.txt'],
      ['a/Aux', 'a/%41ux'],
      ['com1', '%63om1'],
      ['LPT9.dcm', '%4CPT9.dcm'],
      ['COM¹', '%43OM¹'],
      ['con .txt', '%63on .txt'],
      ['conin$', '%63onin$'],
      ['dot.', 'dot%2E'],
      ['a/space /x', 'a/space%20/x'],
      ['...', '..%2E'],
      ['x/a:stream', 'x/a%3Astream'],
      ['aa:$DATA', 'aa%3A$DATA'],
      ['back\\slash', 'back%5Cslash'],
      ['new\nline', 'new%0Aline'],
      ['que?ry*|<>"', 'que%3Fry%2A%7C%3C%3E%22'],
    ]
    for (const [name, path] of names) {
      const found = safePath(name, windows)
      assert.deepEqual(found, { parts: path.split('/'), changed: 'Windows has no such names' }, name)
    }
    for (const name of ['console', 'com10', 'COM', 'a.con', 'auxiliary.dcm', 'ü 心 🫀.dcm', 'a.b c']) {
      assert.deepEqual(safePath(name, windows), { parts: [name], changed: null })
    }
  })

  test('is the same for names that are one file where case does not count', () => {
    assert.equal(pathKey(['A', 'É.dcm'], true, 'darwin'), pathKey(['a', 'e\u0301.DCM'], true, 'darwin'))
    assert.equal(pathKey(['A', 'É.dcm'], true, 'win32'), pathKey(['a', 'é.DCM'], true, 'win32'))
    assert.notEqual(pathKey(['é'], true, 'win32'), pathKey(['e\u0301'], true, 'win32'), 'NTFS keeps them apart')
    assert.notEqual(pathKey(['A'], false), pathKey(['a'], false))
    assert.notEqual(pathKey(['a', 'b'], true), pathKey(['a', 'c'], true))
  })
})

describe('a file whose name is taken where case does not count', () => {
  const names = (parts: readonly string[], most: number): string[] =>
    [...otherPaths(parts)].slice(0, most).map((other) => other.join('/'))

  test('gets one with %HH for its letters, one after another', () => {
    assert.deepEqual(names(['a', 'Im1.dcm'], 3), ['a/%49m1.dcm', 'a/%49%6D1.dcm', 'a/%49%6D1.%64cm'])
    assert.deepEqual(names(['12a'], 2), ['12%61'])
    assert.deepEqual(names(['É🩻'], 2), ['%C3%89🩻'])
  })

  test('gets one also when only its folders differ, and has no letters itself', () => {
    assert.deepEqual(names(['Case', '001'], 2), ['Case/%3001', 'Case/%30%301'])
  })
})
