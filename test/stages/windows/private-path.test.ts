import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { checkExposure, type Surroundings } from '../../../src/stages/doctor/exposure.ts'
import type { Finding } from '../../../src/stages/doctor/finding.ts'
import type { LoadedConfig } from '../../../src/stages/config/load.ts'
import { makePrivateFolder, privateRights, readersIn, userIn } from '../../../src/stages/windows/private-path.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const USER = 'S-1-5-21-1-2-3-1001'

test('a folder is made for its owner alone', async (t) => {
  const folder = path.join(await tempFolder(t), 'a', 'b')
  makePrivateFolder(folder)
  makePrivateFolder(folder)
  assert.ok(statSync(folder).isDirectory())
  if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o777, 0o700)
})

describe('access rights on Windows', () => {
  test('are those of this account, the administrators and the system, and of nobody by inheritance', () => {
    const folder = ['*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F', `*${USER}:(OI)(CI)F`]
    assert.deepEqual(privateRights('C:\\b', 'folder', USER), ['C:\\b', '/inheritance:r', '/grant:r', ...folder, '/Q'])
    assert.deepEqual(
      privateRights('C:\\b.yaml', 'file', 'S-1-5-18').slice(3, -1),
      ['*S-1-5-18:F', '*S-1-5-32-544:F'],
      'the system itself is named once',
    )
  })

  test("this account's SID is read off what whoami says in any language", () => {
    assert.equal(userIn(`"klinik\\süd","${USER}"\r\n`), USER)
    assert.equal(userIn('ERROR'), null)
  })

  for (const [sddl, readers] of [
    ['D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-5-21-1-2-3-1001)', []],
    [
      'D:AI(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)(A;ID;LC;;;BU)(A;OICIIOID;GXGR;;;AU)',
      ['Users', 'Authenticated Users'],
    ],
    ['D:(A;;FA;;;WD)', ['Everyone']],
    ['D:(A;;0x1301bf;;;S-1-5-11)', ['Authenticated Users']],
    ['D:(D;;FA;;;WD)(A;;LCRP;;;BU)', []],
  ] as const) {
    test(`${sddl} lets read: ${readers.join(', ') || 'nobody else'}`, () => {
      assert.deepEqual(readersIn(sddl), readers)
    })
  }
})

describe('doctor warns', () => {
  const config = (folder: string): LoadedConfig =>
    ({
      file: path.join(folder, 'dicom-backup.yaml'),
      dicom: { root: '/var/www/viewer/dicom_files' },
      state: { dir: folder },
      log: { file: path.join(folder, 'log') },
      destinations: [],
    }) as unknown as LoadedConfig

  async function warnings(folder: string, here: Partial<Surroundings>): Promise<Map<string, Finding>> {
    const found = new Map<string, Finding>()
    const none: Surroundings = { platform: 'win32', rightsOf: () => '', mappedPaths: () => [] }
    await checkExposure(config(folder), async (name, examine) => void found.set(name, await examine()), {
      ...none,
      ...here,
    })
    return found
  }

  test('of nothing where nothing is open', async (t) => {
    assert.deepEqual(await warnings(await tempFolder(t), {}), new Map())
  })

  test('of a state folder that other accounts may read', async (t) => {
    const folder = await tempFolder(t)
    const found = (await warnings(folder, { rightsOf: () => 'D:(A;;FA;;;BU)' })).get('access rights')
    assert.equal(found?.warning, true)
    assert.equal(found.detail, `${folder} can be read by Users`)
    assert.ok(found.remedy?.includes(`icacls "${folder}" /inheritance:r`))
    assert.deepEqual(await warnings(folder, { platform: 'linux', rightsOf: () => 'D:(A;;FA;;;BU)' }), new Map())
  })

  test('of rights that cannot be read', async (t) => {
    const rightsOf = (): never => {
      throw new Error('icacls')
    }
    assert.match(
      (await warnings(await tempFolder(t), { rightsOf })).get('access rights')?.detail ?? '',
      /could not be read/,
    )
  })

  test('of a configuration that a web server shows, wherever', async () => {
    for (const folder of ['C:\\xampp\\htdocs\\viewer', '/var/www/backup', 'C:/inetpub/wwwroot']) {
      const found = (await warnings(folder, { platform: 'linux' })).get('web server')
      assert.equal(found?.warning, true, folder)
      assert.match(found.remedy ?? '', /^Move the configuration/)
    }
    assert.deepEqual(await warnings('/srv/htdocs-backup', { platform: 'linux' }), new Map())
  })

  test('of a network drive that the hourly job has not', async (t) => {
    const mappedPaths = (): { path: string; unc: string }[] => [{ path: 'Z:\\x', unc: '\\\\nas\\images\\x' }]
    const found = (await warnings(await tempFolder(t), { mappedPaths })).get('network drives')
    assert.match(found?.detail ?? '', /^Z:\\x: on a network drive/)
    assert.equal(found?.remedy, 'Write in the configuration: \\\\nas\\images\\x')
  })
})
