import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { editSchedule } from '../../../src/stages/config/edit-schedule.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import { starterConfig } from '../../../src/stages/config/starter.ts'
import { testFolder } from './configured.ts'

const REST = 'dicom: { root: x }\ndestinations: [{ name: nas, type: local, folder: nas }]\n'

function edited(text: string, change: Parameters<typeof editSchedule>[1], env: NodeJS.ProcessEnv = {}): string {
  const file = path.join(testFolder(), 'dicom-backup.yaml')
  writeFileSync(file, text)
  editSchedule(file, change, env)
  return readFileSync(file, 'utf8')
}

describe('a changed schedule', () => {
  test('stands in the file, and what is around it stays to the letter', () => {
    for (const [before, after] of [
      [REST, `${REST}schedule:\n  every: 3h\n`],
      [`${REST}schedule: { enabled: true, every: 6h } # ours`, `${REST}schedule: { enabled: true, every: 3h } # ours`],
      [`${REST}schedule: { enabled: true }\n`, `${REST}schedule: { every: 3h, enabled: true }\n`],
      [`${REST}schedule: {}\n`, `${REST}schedule: { every: 3h }\n`],
      [
        `schedule:\n  # how often\n  every: "6h"   # six\n  enabled: true\n${REST}`,
        `schedule:\n  # how often\n  every: 3h   # six\n  enabled: true\n${REST}`,
      ],
      [`schedule:\n    enabled: true\n${REST}`, `schedule:\n    every: 3h\n    enabled: true\n${REST}`],
      [`schedule:   # later\n${REST}`, `schedule:   # later\n  every: 3h\n${REST}`],
      [`${REST}schedule:`, `${REST}schedule:\n  every: 3h\n`],
      [REST.replaceAll('\n', '\r\n'), `${REST}schedule:\n  every: 3h\n`.replaceAll('\n', '\r\n')],
    ] as const) {
      assert.equal(edited(before, { every: '3h' }), after)
    }
  })

  test('can be turned off and on, in the file that init writes too', () => {
    const folder = testFolder()
    const file = path.join(folder, 'dicom-backup.yaml')
    writeFileSync(path.join(folder, 'database-password.txt'), 'secret')
    writeFileSync(file, starterConfig('linux'), { mode: 0o600 })
    editSchedule(file, { enabled: false })
    editSchedule(file, { every: '24h' })
    assert.equal(
      readFileSync(file, 'utf8'),
      starterConfig('linux').replace('enabled: true', 'enabled: false').replace('every: 6h', 'every: 24h'),
    )
    assert.deepEqual(loadConfig(file).schedule, { enabled: false, every: '24h', verify: 'weekly' })
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder).sort(), ['database-password.txt', 'dicom-backup.yaml'])
  })

  test('leaves variables of the environment as they are written', () => {
    const text = `${REST}log: { file: \${LOGS}/a.log }\nschedule: { every: 6h }\n`
    assert.equal(edited(text, { every: '3h' }, { LOGS: 'logs' }), text.replace('6h', '3h'))
  })

  test('in the encodings that Windows writes stays in them', () => {
    const file = path.join(testFolder(), 'dicom-backup.yaml')
    for (const [encoding, mark] of [
      ['utf16le', '\uFEFF'],
      ['utf8', '\uFEFF'],
      ['utf8', ''],
    ] as const) {
      writeFileSync(file, Buffer.from(`${mark}# Müller\r\n${REST}`, encoding))
      editSchedule(file, { every: '3h' })
      assert.equal(readFileSync(file).toString(encoding), `${mark}# Müller\r\n${REST}schedule:\r\n  every: 3h\r\n`)
    }
  })

  test('that cannot be written is told with what to write by hand, and the file stays', () => {
    for (const [text, why] of [
      [`${REST}schedule: { every: \${EVERY} }\n`, /environment \(\$\{EVERY\}\).*/],
      [`{ ${REST.trim().replace('\n', ', ')} }`, /not made of "key: value" lines/],
    ] as const) {
      const file = path.join(testFolder(), 'dicom-backup.yaml')
      writeFileSync(file, text)
      assert.throws(
        () => {
          editSchedule(file, { every: '3h' }, { EVERY: '6h' })
        },
        { code: 'E_CONFIG', message: why, advice: 'Write it there by hand: schedule: { every: 3h }' },
      )
      assert.equal(readFileSync(file, 'utf8'), text)
    }
  })

  test(
    'reaches the file behind a link, and keeps the link',
    { skip: process.platform === 'win32' && 'links need rights there' },
    () => {
      const folder = testFolder()
      mkdirSync(path.join(folder, 'real'))
      writeFileSync(path.join(folder, 'real/c.yaml'), REST)
      chmodSync(path.join(folder, 'real/c.yaml'), 0o640)
      symlinkSync('real/c.yaml', path.join(folder, 'c.yaml'))
      editSchedule(path.join(folder, 'c.yaml'), { every: '1h' })
      assert.match(readFileSync(path.join(folder, 'real/c.yaml'), 'utf8'), /every: 1h/)
      assert.equal(statSync(path.join(folder, 'real/c.yaml')).mode & 0o777, 0o640)
    },
  )
})
