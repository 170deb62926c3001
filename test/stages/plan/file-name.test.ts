import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import {
  entryName,
  fromDirentName,
  isKeptApart,
  keptApart,
  onDisk,
  toFsPath,
} from '../../../src/stages/plan/file-name.ts'

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

describe('names of one folder that would be one in the archive', () => {
  /** Their names in the archive, in their order. */
  const archived = (...names: (string | Buffer)[]): string[] => {
    const all = names.map((name) => (typeof name === 'string' ? name : fromDirentName(name)))
    const apart = keptApart(all)
    return all.map((name) => entryName(apart.get(name) ?? name))
  }

  test('a literal %E9 beside the byte E9 is %25E9', () => {
    assert.deepEqual(archived('%E9', bytes(0xe9)), ['%25E9', '%E9'])
    assert.deepEqual(archived(bytes(0xe9), '%E9'), ['%E9', '%25E9'])
  })

  test('names that meet no other are unchanged', () => {
    const names = ['%E9', '%25E9', '100%', '%41', '%e8']
    assert.deepEqual(archived(...names), names)
    assert.deepEqual(archived(bytes(0xe8), ...names), ['%E8', ...names])
  })

  test('an escaped name that would be that of a third one escapes that too, three deep', () => {
    assert.deepEqual(archived('%252525E9', '%2525E9', '%25E9', '%E9', bytes(0xe9)), [
      '%25252525E9',
      '%252525E9',
      '%2525E9',
      '%25E9',
      '%E9',
    ])
  })

  test('two names that both have an odd byte are kept apart', () => {
    const mixed = [latin1('\xe9%E9'), latin1('%E9\xe9'), latin1('%E9%E9'), latin1('\xe9\xe9')]
    assert.deepEqual(archived(...mixed), ['%E9%25E9', '%25E9%E9', '%25E9%25E9', '%E9%E9'])
  })

  test('any names stay as many and come back as the same bytes', () => {
    let seed = 11
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
    const pieces = [bytes(0xe9), '%E9', '%25', '%', '25', 'E9', '2', '\u{10025}'].map((one) =>
      Buffer.from(one as string),
    )
    for (let round = 0; round < 500; round++) {
      const name = (): string =>
        Buffer.concat(Array.from({ length: 1 + random(4) }, () => pieces[random(8)]!)).toString('latin1')
      const all = [...new Set(Array.from({ length: 60 }, name))].map((one) => fromDirentName(latin1(one)))
      const apart = keptApart(all)
      assert.equal(new Set(all.map((one) => entryName(apart.get(one) ?? one))).size, all.length)
      for (const [name, other] of apart) {
        assert.ok(isKeptApart(other) && !isKeptApart(name))
        assert.equal(onDisk(other), name)
        assert.deepEqual(Buffer.from(toFsPath('root', other)), Buffer.from(toFsPath('root', name) as string))
      }
    }
  })
})
