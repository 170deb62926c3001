/** What is shown holds no secret and steers no terminal, wherever it came from. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { paragraph, verdict } from '../../../src/cli/display/blocks.ts'
import { errorText } from '../../../src/cli/display/error.ts'
import { table } from '../../../src/cli/display/table.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { report } from '../../../src/stages/contract/report.ts'
import { openLog } from '../../../src/stages/log/log.ts'
import { addSecrets } from '../../../src/stages/text/redact.ts'
import { visible, visibleJson, visibleLayout, visibleLines } from '../../../src/stages/log/visible.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const SECRET = 'horse-battery-staple'
addSecrets([SECRET])

/** A name as a hostile program would give it to a file: clears the screen, sets the title, turns the writing. */
const HOSTILE = `a\u001b[2J\u001b]0;title\u0007b\u009b31mc\u202ed\u2066e\u2028f\rg\u0000h ${SECRET}`
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const style = { columns: 80, color: false, unicode: false }

function mustBeHarmless(text: string, what: string): void {
  assert.doesNotMatch(text, STEERING, what)
  assert.ok(!text.includes(SECRET), what)
  assert.match(text, /\[secret\]/, what)
}

describe('text from elsewhere', () => {
  test('is harmless wherever it is shown', async (t) => {
    const error = new BackupError('E_DUMP', HOSTILE, { advice: HOSTILE })
    const shown: Record<string, string> = {
      line: visible(HOSTILE),
      lines: visibleLines(HOSTILE).join('\n'),
      layout: visibleLayout(`${HOSTILE}\n`),
      json: visibleJson({ message: HOSTILE, list: [HOSTILE] }),
      table: table([{}], [[HOSTILE]], style).join('\n'),
      paragraph: paragraph(HOSTILE, style).join('\n'),
      verdict: verdict('bad', HOSTILE, style).join('\n'),
      error: errorText(error, style),
    }
    for (const [what, text] of Object.entries(shown)) mustBeHarmless(text, what)

    const file = path.join(await tempFolder(t), 'a.log')
    const people = new PassThrough()
    const log = openLog({ file, level: 'info', maxSize: 1e7, keep: 1 }, [], people)
    log.logger.warn({ err: error, destination: HOSTILE }, HOSTILE)
    log.close()
    mustBeHarmless(readFileSync(file, 'utf8'), 'the log file')
    mustBeHarmless(String(people.read()), 'the log for people')
  })

  test('loses nothing in JSON but its secrets', () => {
    const value = { reason: 'a\u009b31m\u202eb', names: ['\u2028'], path: 'dicom_files/\u0007\u202e.dcm', files: 3 }
    const json = visibleJson(value)
    assert.doesNotMatch(json, STEERING)
    assert.deepEqual(JSON.parse(json), value)
  })

  test('keeps the line breaks and colours that a layout has', () => {
    const layout = '\u001b[32m[ok]\u001b[39m stored\n  two\n'
    assert.equal(visibleLayout(layout), layout)
  })

  test('keeps no secret in what the state records of an error', () => {
    const { message } = report(new BackupError('E_DUMP', `it said ${SECRET}`, { advice: `not ${SECRET}` }))
    assert.equal(message, 'it said [secret]. not [secret]')
  })

  test('keeps our own names, whatever the password is, but not what only holds one', () => {
    addSecrets(['dicom', 'dicom_backup_password'])
    assert.equal(
      visible('dicom_backup_2026.zip, "dicom-backup run", user dicom'),
      'dicom_backup_2026.zip, "dicom-backup run", user [secret]',
    )
    assert.equal(visible('-pdicom dicom_backup_password'), '-p[secret] [secret]')
    assert.equal(
      visibleJson({ path: 'dicom_files/dicom', message: 'dicom' }),
      '{"path":"dicom_files/dicom","message":"[secret]"}',
    )
  })
})
