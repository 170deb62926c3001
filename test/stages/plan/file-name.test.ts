import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { entryName, fromDirentName, toFsPath } from '../../../src/stages/plan/file-name.ts'

const bytes = (...values: number[]): Buffer => Buffer.from(values)
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

test('a valid name is what it is, whatever is in it', () => {
  for (const name of [
    'IM0001',
    '山田^太郎.dcm',
    'a\nb',
    '"quoted"',
    '🩻 𠮷',
    'back\\slash',
    '..x',
    '100%',
    '\u{10FFFF}',
    '\uFEFFbom',
  ]) {
    assert.equal(fromDirentName(Buffer.from(name)), name)
    assert.equal(entryName(name), name)
    assert.equal(toFsPath('root', name), path.join('root', name))
  }
})

test('a byte that is not UTF-8 becomes a lone surrogate, and %HH in the archive', () => {
  const name = fromDirentName(latin1('Müller.dcm'))
  assert.equal(name, 'M\uDCFCller.dcm')
  assert.equal(entryName(name), 'M%FCller.dcm')
})

test('valid sequences beside odd bytes stay readable', () => {
  const name = fromDirentName(Buffer.concat([Buffer.from('é🩻'), bytes(0xff), Buffer.from('山'), bytes(0xe5, 0xb1)]))
  assert.equal(name, 'é🩻\uDCFF山\uDCE5\uDCB1')
  assert.equal(entryName(name), 'é🩻%FF山%E5%B1')
})

test('overlong forms, encoded surrogates and code points past U+10FFFF are odd bytes', () => {
  assert.equal(entryName(fromDirentName(bytes(0xc0, 0xaf))), '%C0%AF')
  assert.equal(entryName(fromDirentName(bytes(0xed, 0xa0, 0x80))), '%ED%A0%80')
  assert.equal(entryName(fromDirentName(bytes(0xed, 0xb3, 0xbc))), '%ED%B3%BC')
  assert.equal(entryName(fromDirentName(bytes(0xf4, 0x90, 0x80, 0x80))), '%F4%90%80%80')
  assert.equal(entryName(fromDirentName(bytes(0xf5, 0x41))), '%F5A')
})

test('every name, of any bytes, comes back as the same bytes and is valid Unicode in the archive', () => {
  let seed = 7
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
  const pieces = [Buffer.from('山'), Buffer.from('🩻'), Buffer.from('é'), Buffer.from('a'), bytes(0xed, 0xb3, 0xbc)]
  const odd = (): Buffer => bytes(128 + random(128))
  for (let round = 0; round < 3000; round++) {
    const name = Buffer.concat(
      Array.from({ length: 1 + random(9) }, () => (random(2) === 0 ? odd() : pieces[random(5)]!)),
    )
    const text = fromDirentName(name)
    const full = toFsPath('root', text)
    assert.deepEqual(
      Buffer.from(full as Buffer),
      Buffer.concat([Buffer.from(path.join('root', '/')), name]),
      name.toString('hex'),
    )
    assert.ok(entryName(text).isWellFormed())
    assert.equal(typeof full === 'string', text.isWellFormed())
  }
})

test(
  'a file with an odd name is opened by it',
  { skip: process.platform !== 'linux' && 'only Linux has such names' },
  (t) => {
    const root = mkdtempSync(path.join(tmpdir(), 'file-name-'))
    t.after(() => {
      rmSync(root, { recursive: true })
    })
    writeFileSync(Buffer.concat([Buffer.from(root + '/'), latin1('Jérôme 🩻')]), 'latin')
    const [found] = readdirSync(root, { encoding: 'buffer' })
    assert.equal(readFileSync(toFsPath(root, fromDirentName(found!)), 'utf8'), 'latin')
  },
)
