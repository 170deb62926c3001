import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import { paint, signsOf, styleOf } from '../../../src/cli/display/style.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import { FakeTerminal } from './fake-terminal.ts'
import { ascii, bare, colored } from './samples.ts'

delete process.env.FORCE_COLOR
delete process.env.NO_COLOR

const utf8 = { LANG: 'de_DE.UTF-8' }

test('a terminal has colours unless NO_COLOR is set; a pipe has none unless they are forced', () => {
  const terminal = new FakeTerminal(80)
  const pipe = new PassThrough()
  assert.equal(styleOf(terminal).color, true)
  assert.equal(styleOf(pipe).color, false)
  process.env.NO_COLOR = '1'
  assert.equal(styleOf(terminal).color, false)
  delete process.env.NO_COLOR
  process.env.FORCE_COLOR = '1'
  assert.equal(styleOf(pipe).color, true)
  delete process.env.FORCE_COLOR
})

test('the width is the terminal’s own, 80 without one', () => {
  assert.equal(styleOf(new FakeTerminal(41)).columns, 41)
  assert.equal(styleOf(new PassThrough()).columns, 80)
  assert.equal(styleOf(new FakeTerminal(0)).columns, 80)
})

test('signs beyond ASCII are for terminals with a UTF-8 locale', () => {
  const terminal = new FakeTerminal(80)
  const shown = (env: NodeJS.ProcessEnv): boolean => styleOf(terminal, env, 'linux').unicode
  assert.equal(shown(utf8), true)
  assert.equal(shown({ LANG: 'C.utf8' }), true)
  assert.equal(shown({}), false)
  assert.equal(shown({ LANG: 'C' }), false)
  assert.equal(shown({ LC_ALL: 'C', ...utf8 }), false)
  assert.equal(shown({ LC_ALL: '', ...utf8 }), true)
  assert.equal(shown({ TERM: 'linux', ...utf8 }), false)
  assert.equal(styleOf(new PassThrough(), utf8, 'linux').unicode, false)
})

test('on Windows they are for the terminals that have them', () => {
  const terminal = new FakeTerminal(80)
  const shown = (env: NodeJS.ProcessEnv): boolean => styleOf(terminal, env, 'win32').unicode
  assert.equal(shown({}), false)
  assert.equal(shown({ WT_SESSION: 'b2c' }), true)
  assert.equal(shown({ TERM_PROGRAM: 'vscode' }), true)
})

test('signs that stand in a column are as wide as each other, and ASCII where it must be', () => {
  for (const style of [bare(80), ascii(80)]) {
    const { ok, bad, look, unknown } = signsOf(style)
    assert.equal(new Set([ok, bad, look, unknown].map(visibleWidth)).size, 1)
  }
  assert.match(Object.values(signsOf(ascii(80))).join(''), /^[\x20-\x7e]+$/)
})

test('text is painted only where there are colours', () => {
  assert.equal(paint(bare(80), 'red', 'no'), 'no')
  assert.equal(paint(colored(80), 'red', 'no'), '\u001b[31mno\u001b[39m')
})
