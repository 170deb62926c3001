import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode, pageIn } from '../../../src/stages/windows/code-page.ts'
import { systemProgram } from '../../../src/stages/windows/system-program.ts'

const never = (): never => assert.fail('nobody asks for a code page')

describe('words of a Windows program', () => {
  test('in UTF-8 are taken as they are, and no code page is asked for', () => {
    for (const text of ['', 'Access denied', 'Zugriff verweigert: größe 放射線 🩻']) {
      assert.equal(decode(Buffer.from(text), never), text)
    }
  })

  // "Zugriff für größer übertreten", as each code page writes its letters.
  for (const [page, bytes, text] of [
    [850, [0x66, 0x81, 0x72, 0x20, 0xe1, 0xf5], 'für ß§'],
    [437, [0x66, 0x81, 0x72, 0x20, 0xe1, 0x9b], 'für ß¢'],
    [858, [0xd5, 0x20, 0x84], '€ ä'],
    [852, [0x88, 0xa5], 'łą'],
    [866, [0x84, 0xa0], 'Да'],
    [1252, [0x66, 0xfc, 0x72, 0x20, 0x80], 'für €'],
    [1250, [0xb3, 0xb9], 'łą'],
    [1251, [0xc4, 0xe0], 'Да'],
    [932, [0x95, 0xfa, 0x8e, 0xcb], '放射'],
  ] as const) {
    test(`in code page ${page} are its letters`, () => {
      assert.equal(
        decode(Buffer.from(bytes), () => page),
        text,
      )
    })
  }

  test('in an unknown one keep what is ASCII', () => {
    for (const page of [null, 720])
      assert.equal(
        decode(Buffer.from([0x61, 0xff, 0x62]), () => page),
        'a\uFFFDb',
      )
  })
})

test('the code page is read off what reg says', () => {
  const said =
    '\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Nls\\CodePage\r\n    OEMCP    REG_SZ    850\r\n\r\n'
  assert.equal(pageIn(said, 'OEMCP'), 850)
  assert.equal(pageIn(said, 'ACP'), null)
  assert.equal(pageIn('', 'ACP'), null)
})

test("Windows' own programs are started from its own folder", () => {
  assert.equal(systemProgram('reg.exe', { SystemRoot: 'D:\\WINNT' }), 'D:\\WINNT\\System32\\reg.exe')
  assert.equal(systemProgram('reg.exe', {}), 'C:\\Windows\\System32\\reg.exe')
})
