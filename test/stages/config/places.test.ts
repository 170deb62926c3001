import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { configPlaces, defaultConfig } from '../../../src/stages/config/places.ts'
import { tempFolder } from '../../support/temp-folder.ts'

test('a configuration is looked for in the current folder, then with the user, then with the machine', () => {
  assert.deepEqual(configPlaces({ XDG_CONFIG_HOME: '/home/eva/conf' }, 'linux', '/home/eva'), [
    'dicom-backup.yaml',
    '/home/eva/conf/dicom-backup/dicom-backup.yaml',
    '/etc/dicom-backup/dicom-backup.yaml',
  ])
  assert.equal(configPlaces({}, 'linux', '/home/eva')[1], '/home/eva/.config/dicom-backup/dicom-backup.yaml')
  assert.deepEqual(
    configPlaces({ APPDATA: 'C:\\Users\\eva\\AppData', ProgramData: 'D:\\Data' }, 'win32', 'C:\\Users\\eva'),
    [
      'dicom-backup.yaml',
      'C:\\Users\\eva\\AppData\\dicom-backup\\dicom-backup.yaml',
      'D:\\Data\\dicom-backup\\dicom-backup.yaml',
    ],
  )
})

test('the first that exists is used, and the current folder where none does', async (t) => {
  const folder = await tempFolder(t)
  const places = ['a', 'b', 'c'].map((name) => path.join(folder, name, 'dicom-backup.yaml'))
  assert.equal(defaultConfig(places), 'dicom-backup.yaml')
  for (const place of places.slice(1)) {
    await mkdir(path.dirname(place))
    await writeFile(place, '')
  }
  assert.equal(defaultConfig(places), places[1])
})
