/** Trying a service out: the faults that a sign-in alone does not show, and places that are one. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startDropbox } from './dropbox-far-side.ts'
import { startDrive } from './google-drive-far-side.ts'

const never = new AbortController().signal

describe('Dropbox', () => {
  for (const lacks of ['app', 'token'] as const) {
    for (const scope of ['files.content.write', 'files.metadata.read']) {
      test(`an ${lacks} without the permission ${scope} signs in, and is found by trying`, async (t) => {
        const { standIn, destination } = await startDropbox(t)
        standIn.lackScope(scope, lacks)
        await destination.signIn(never)
        await assert.rejects(destination.probe(never), ({ code, message, advice }: Record<string, string>) => {
          assert.equal(code, 'E_AUTH')
          assert.ok(message?.includes(`the Dropbox app is missing the permission ${scope}`), message)
          assert.ok(advice?.startsWith(`Tick ${scope} under "Permissions" of the app in the Dropbox App Console.`))
          return true
        })
        standIn.lackScope(scope, null)
        await destination.probe(never)
      })
    }
  }

  test('a folder that is shared to read only is refused, also for one that would be made in it', async (t) => {
    const { standIn, open } = await startDropbox(t)
    standIn.shareReadOnly('/Radiology')
    for (const folder of ['/Radiology', '/radiology/Backups/DICOM']) {
      await assert.rejects(open({ folder }).probe(never), {
        code: 'E_AUTH',
        message: new RegExp(`the Dropbox folder /radiology is shared with this account to read only`, 'i'),
      })
    }
    await open({ folder: '/Other' }).probe(never)
  })

  test('what a read-only folder refuses at the end of an upload is what trying says before', async (t) => {
    const { standIn, open } = await startDropbox(t)
    standIn.shareReadOnly('/Radiology')
    const upload = await open({ folder: '/Radiology' }).begin('a.zip', never)
    const digests = { md5: 'd41d8cd98f00b204e9800998ecf8427e', contentHash: '' }
    await assert.rejects(upload.commit({ offset: 0, tail: [], bytes: 0, digests }, never), { code: 'E_AUTH' })
  })

  test('a file in the place of the folder is named', async (t) => {
    const { destination, open } = await startDropbox(t)
    const upload = await destination.begin('a.zip', never)
    const digests = {
      md5: 'd41d8cd98f00b204e9800998ecf8427e',
      contentHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    }
    await upload.commit({ offset: 0, tail: [], bytes: 0, digests }, never)
    await assert.rejects(open({ folder: '/DICOM_Backups/a.zip/below' }).probe(never), {
      code: 'E_DESTINATION',
      message: /\/DICOM_Backups\/a\.zip is a file/,
    })
  })

  test('one folder in two spellings is one place, another folder is another', async (t) => {
    const { standIn, open } = await startDropbox(t)
    const place = (folder: string): Promise<string> => open({ folder }).place(never)
    assert.equal(await place('/DICOM_Backups'), await place('/dicom_backups'))
    assert.notEqual(await place('/DICOM_Backups'), await place('/DICOM_Backups/2'))
    standIn.shareReadOnly('/DICOM_Backups')
    assert.equal(await place('/DICOM_Backups'), await place('/dicom_backups'))
    assert.notEqual(await place('/DICOM_Backups'), await place(''))
  })
})

describe('Google Drive', () => {
  test('a sign-in that may only read is found by trying', async (t) => {
    const { destination } = await startDrive(t, { scope: 'drive.readonly' })
    await destination.signIn(never)
    await assert.rejects(destination.probe(never), ({ code, message, advice }: Record<string, string>) => {
      assert.equal(code, 'E_AUTH')
      assert.match(message ?? '', /is missing the permission to change files in Google Drive/)
      assert.match(advice ?? '', /accounts connect hospital-drive/)
      return true
    })
  })

  test('a folder that may only be read is refused, also for one that would be made in it', async (t) => {
    const { standIn, open } = await startDrive(t, { scope: 'drive' })
    const id = standIn.addForeignFolder('Radiology', undefined, true)
    for (const folder of [`id:${id}`, `id:${id}/Backups`, 'Radiology']) {
      const destination = open({ folder })
      await destination.signIn(never)
      await assert.rejects(destination.probe(never), ({ code, message, advice }: Record<string, string>) => {
        assert.equal(code, 'E_AUTH')
        assert.match(message ?? '', /may only read the Google Drive folder Radiology/)
        assert.match(advice ?? '', /Share Radiology with this account as an editor/)
        return true
      })
    }
    assert.equal(standIn.requests.count('create'), 0)
    // Without that look, the upload itself is refused.
    await assert.rejects(open({ folder: `id:${id}` }).begin('a.zip', never), {
      code: 'E_AUTH',
      message: /may only read/,
    })
  })

  test('one folder by its id and by its name is one place, also before it is made', async (t) => {
    const { standIn, open } = await startDrive(t, { scope: 'drive' })
    const place = (folder: string): Promise<string> => open({ folder }).place(never)
    assert.equal(await place('Radiology'), await place('/Radiology/'))
    const id = standIn.addForeignFolder('Radiology')
    assert.equal(await place(`id:${id}`), await place('Radiology'))
    assert.equal(await place(`id:${id}/Backups`), await place('Radiology/Backups'))
    assert.notEqual(await place('Radiology'), await place('Radiology/Backups'))
    assert.equal(standIn.requests.count('create'), 0)
  })
})
