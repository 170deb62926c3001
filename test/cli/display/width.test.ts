import assert from 'node:assert/strict'
import test from 'node:test'
import { styleText } from 'node:util'
import { clean, cleanLines, truncate, visibleWidth, wrap } from '../../../src/cli/display/width.ts'

test('a width is what the terminal takes: wide characters two columns, marks and colours none', () => {
  const widths = {
    '': 0,
    nas: 3,
    Zürich: 6,
    'Zu\u0308rich': 6,
    病院: 4,
    ﾊﾞｯｸ: 4,
    서울: 4,
    '🏥': 2,
    '👨‍⚕️': 2,
    '✔': 1,
    '…': 1,
    'a\u200bb': 2,
    [styleText('red', 'nas', { validateStream: false })]: 3,
  }
  assert.deepEqual(Object.fromEntries(Object.keys(widths).map((text) => [text, visibleWidth(text)])), widths)
})

test('text is cut at whole characters, the ellipsis within the width', () => {
  assert.equal(truncate('hospital-dropbox', 16, '…'), 'hospital-dropbox')
  assert.equal(truncate('hospital-dropbox', 15, '…'), 'hospital-dropb…')
  assert.equal(truncate('hospital-dropbox', 8, '...'), 'hospi...')
  assert.equal(truncate('病院の保管庫', 6, '…'), '病院…')
  assert.equal(truncate('one two', 5, '…'), 'one…')
})

test('text wraps at spaces and leaves long words whole', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrap('at /mnt/nas/backups now', 8), ['at', '/mnt/nas/backups', 'now'])
  assert.deepEqual(wrap('病院 病院', 8), ['病院', '病院'])
  assert.deepEqual(wrap('', 8), [''])
})

test('text from elsewhere cannot steer the terminal', () => {
  assert.equal(clean('a\u001b[2Jb\u001b]0;title\u0007c\r\nd\u0008'), 'abc d')
  assert.equal(clean('nas\u202etxt'), 'nas txt')
  assert.equal(clean('half \ud800'), 'half \ufffd')
  assert.deepEqual(cleanLines('mysqldump: error\r\n\n  1045\u001b[31m denied\n'), ['mysqldump: error', '1045 denied'])
})
