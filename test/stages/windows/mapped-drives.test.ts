import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOfWindows } from '../../../src/stages/plan/listing.ts'
import { mappedPaths } from '../../../src/stages/windows/mapped-drives.ts'

const realpath = (root: string): string => {
  if (root === 'Z:\\') return '\\\\nas\\images'
  if (root === 'C:\\') return root
  throw new Error('ENOENT')
}

test('a path on a network drive with a letter is found, with the share to write in its place', () => {
  const paths = ['C:\\viewer', 'Z:\\dicom_files\\ct', 'z:/x', 'Q:\\gone', '\\\\nas\\share\\x', 'Z:\\']
  assert.deepEqual(
    mappedPaths(paths, 'win32', (root) => realpath(root.toUpperCase().replace('/', '\\'))),
    [
      { path: 'Z:\\dicom_files\\ct', unc: '\\\\nas\\images\\dicom_files\\ct' },
      { path: 'z:/x', unc: '\\\\nas\\images\\x' },
      { path: 'Z:\\', unc: '\\\\nas\\images\\' },
    ],
  )
  assert.deepEqual(mappedPaths(paths, 'linux', realpath), [])
})

test("Windows' own folders of a whole drive are no part of an archive folder; elsewhere a name is a name", () => {
  for (const name of ['System Volume Information', '$RECYCLE.BIN', '$Recycle.Bin']) {
    assert.ok(isOfWindows(name, 'D:\\', 'win32'), name)
    assert.ok(isOfWindows(name, '\\\\nas\\images\\', 'win32'), name)
    assert.equal(isOfWindows(name, 'D:\\images', 'win32'), false)
    assert.equal(isOfWindows(`ct/${name}`, 'D:\\', 'win32'), false)
    assert.equal(isOfWindows(name, '/', 'linux'), false)
  }
  assert.equal(isOfWindows('ct', 'D:\\', 'win32'), false)
})
