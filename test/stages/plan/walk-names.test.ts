import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { entryName, toFsPath } from '../../../src/stages/plan/file-name.ts'
import { newFolder, pathsOf, treeOf, walkAll } from './tree.ts'

const onlyPosix = process.platform === 'win32' && 'Windows has no such names'
const onlyLinux = process.platform !== 'linux' && 'only Linux has such names'

test('special characters in names are only names', async (t) => {
  const names = [
    '[x]',
    'a[1-9]',
    '{a,b}',
    '(c)',
    '!not',
    '#d',
    '~',
    '$HOME',
    '%41',
    'a b ',
    '..foo',
    '...',
    '.x',
    '-rf',
    '@(e)',
    '山田',
    '🩻',
    '🐀',
  ]
  const paths = names.flatMap((name) => [name, `in ${name}/${name}`, `${name}d/.f`])
  const root = treeOf(t, paths)
  assert.deepEqual(await pathsOf(root), [...paths].sort())
})

test('names that Windows does not know are only names too', { skip: onlyPosix }, async (t) => {
  const names = [
    'a\nb',
    '\n',
    'a\r',
    '\u2028',
    '\u2029x',
    '"q"',
    "'",
    'a\\b',
    '\\',
    '.\\x',
    '..\\y',
    'a*',
    '?',
    'a:b',
    'a|b',
    '\u0001',
    '\u007f',
  ]
  const paths = names.flatMap((name) => [name, `in ${name}/${name}`, `d/${name}d/x`])
  const root = treeOf(t, paths)
  assert.deepEqual(await pathsOf(root), [...paths].sort())
  assert.deepEqual(await pathsOf(root, { include: ['d/*/x'] }), paths.filter((name) => name.startsWith('d/')).sort())
  assert.deepEqual(
    await pathsOf(root, { include: ['**'], exclude: ['in */**'] }),
    paths.filter((name) => !name.startsWith('in ')).sort(),
  )
})

test('a name may have 255 bytes', async (t) => {
  const paths = ['n'.repeat(255), `${'é'.repeat(127)}/${'m'.repeat(255)}`]
  assert.deepEqual(await pathsOf(treeOf(t, paths)), [...paths].sort())
})

test('files and folders whose names are not UTF-8 are found and can be opened', { skip: onlyLinux }, async (t) => {
  const root = newFolder(t)
  const folder = Buffer.concat([Buffer.from(`${root}/J`), Buffer.of(0xe9), Buffer.from('r🩻me\n')])
  const file = Buffer.concat([folder, Buffer.from('/M'), Buffer.of(0xfc, 0xff), Buffer.from('.dcm')])
  mkdirSync(folder)
  writeFileSync(file, 'content')
  const { files, leftOut } = await walkAll(root)
  assert.deepEqual(leftOut, [])
  assert.deepEqual(
    files.map(({ path: name, size }) => [entryName(name), size]),
    [['J%E9r🩻me\n/M%FC%FF.dcm', 7]],
  )
  assert.equal(readFileSync(toFsPath(root, files[0]!.path), 'utf8'), 'content')
  assert.deepEqual(await pathsOf(root, { include: ['J*/M*'], exclude: ['*.dcm'] }), [files[0]!.path])
  assert.deepEqual(await pathsOf(root, { exclude: ['J?r*'] }), [])
})

test('symbolic links to files, folders and nothing are told and not followed', { skip: onlyPosix }, async (t) => {
  const elsewhere = treeOf(t, ['other/file'])
  const root = treeOf(t, ['real/file'])
  const links = {
    'to-file': 'real/file',
    'to-folder': elsewhere,
    'to-self': '.',
    'to-nothing': 'gone',
    'real/up': '..',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, path.join(root, name))
  const { files, leftOut } = await walkAll(root)
  assert.deepEqual(
    files.map((file) => file.path),
    ['real/file'],
  )
  assert.deepEqual(
    leftOut.sort((a, b) => (a.path < b.path ? -1 : 1)),
    Object.keys(links)
      .sort()
      .map((name) => ({ path: name, reason: 'a symbolic link' })),
  )
})

test('a symbolic link is told where it may lead to what is wanted', { skip: onlyPosix }, async (t) => {
  const root = treeOf(t, ['2024/x.dcm'])
  for (const name of ['link', '2024/link', '2023']) symlinkSync('nowhere', path.join(root, name))
  const toldBy = async (include: string, exclude: string[] = []): Promise<string[]> =>
    (await walkAll(root, { include: [include], exclude })).leftOut.map((left) => left.path).sort()
  assert.deepEqual(await toldBy('**/*.dcm'), ['2023', '2024/link', 'link'])
  assert.deepEqual(await toldBy('2024/**/*.dcm'), ['2024/link'])
  assert.deepEqual(await toldBy('**/*.dcm', ['**/link']), ['2023'])
})

test('the archive folder itself may be a symbolic link', { skip: onlyPosix }, async (t) => {
  const real = treeOf(t, ['a/b', 'state/x'])
  const link = path.join(newFolder(t), 'dicom_files')
  symlinkSync(real, link)
  for (const [root, other] of [
    [link, real],
    [real, link],
  ] as const) {
    const { files, leftOut } = await walkAll(root, { skipFolders: [path.join(other, 'state')] })
    assert.deepEqual(
      files.map((file) => file.path),
      ['a/b'],
    )
    assert.deepEqual(
      leftOut.map((left) => left.path),
      ['state'],
    )
  }
})

test('pipes and sockets are told and not opened', { skip: onlyPosix }, async (t) => {
  const root = treeOf(t, ['file'])
  execFileSync('mkfifo', [path.join(root, 'pipe')])
  const server = createServer().listen(path.join(root, 'socket'))
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const { files, leftOut } = await walkAll(root)
  assert.deepEqual(
    files.map((file) => file.path),
    ['file'],
  )
  assert.deepEqual(leftOut, [
    { path: 'pipe', reason: 'a named pipe' },
    { path: 'socket', reason: 'a socket' },
  ])
})

test('a path that is too long for the system is told', { skip: onlyLinux }, async (t) => {
  const root = newFolder(t)
  const steps = (letter: string): string => Array<string>(10).fill(letter.repeat(250)).join('/')
  for (const letter of ['a', 'b']) {
    mkdirSync(path.join(root, steps(letter)), { recursive: true })
    writeFileSync(path.join(root, steps(letter), 'file'), '')
  }
  // Each half is short enough for one call; together they are not.
  renameSync(path.join(root, 'b'.repeat(250)), path.join(root, steps('a'), 'b'.repeat(250)))
  const { files, leftOut } = await walkAll(root)
  assert.deepEqual(
    files.map((file) => file.path),
    [`${steps('a')}/file`],
  )
  assert.deepEqual(
    leftOut.map((left) => left.reason),
    ['its path is too long'],
  )
})
