import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { askAll, findArchive } from '../../../src/stages/find/find-archive.ts'
import type { FoundArchive } from '../../../src/stages/find/found.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const at = (hour: number): string => `dicom_backup_2026-11-23_${String(hour).padStart(2, '0')}-00-00.zip`
const NOW = new Date(2026, 10, 24)
const never = new AbortController().signal
const nothingSent = () => Promise.resolve(null)

async function folderWith(
  t: Parameters<typeof tempFolder>[0],
  name: string,
  files: readonly string[],
): Promise<Destination> {
  const folder = await tempFolder(t)
  for (const file of files) await writeFile(path.join(folder, file), file)
  return localDestination({ name, type: 'local', folder, chunkSize: null })
}

const down = (name: string): Destination =>
  localDestination({ name, type: 'local', folder: path.join(import.meta.dirname, 'no such folder'), chunkSize: null })

async function found(destinations: readonly Destination[], name: string | null): Promise<FoundArchive> {
  const listings = await askAll(destinations, never, nothingSent)
  return findArchive(listings, { name, prefix: 'dicom_backup', recorded: new Map(), now: NOW, signal: never })
}

const namesOf = (copies: FoundArchive['copies']): string[] => copies.map(({ destination }) => destination.name)

describe('finding an archive', () => {
  test('without a name it is the newest of all destinations, with each that has it', async (t) => {
    const destinations = [
      await folderWith(t, 'one', [at(6), at(12)]),
      await folderWith(t, 'two', [at(6), at(18), 'zzz_2030-01-01_00-00-00.zip', `${at(20)}.partial`]),
      await folderWith(t, 'three', [at(18)]),
    ]
    const { name, copies } = await found(destinations, null)
    assert.equal(name, at(18))
    assert.deepEqual(namesOf(copies), ['two', 'three'])
    assert.deepEqual(
      copies.map(({ stored }) => stored.bytes),
      [at(18).length, at(18).length],
    )
  })

  test('by name it may be any file, at each destination that has it', async (t) => {
    const destinations = [await folderWith(t, 'one', ['old.zip', at(6)]), await folderWith(t, 'two', ['old.zip'])]
    const { name, copies } = await found(destinations, 'old.zip')
    assert.equal(name, 'old.zip')
    assert.deepEqual(namesOf(copies), ['one', 'two'])
  })

  test('a destination that fails is told and passed over', async (t) => {
    const { copies, passedOver } = await found([down('gone'), await folderWith(t, 'two', [at(6)])], null)
    assert.deepEqual(namesOf(copies), ['two'])
    assert.deepEqual(
      passedOver.map(({ destination }) => destination.name),
      ['gone'],
    )
  })

  test('one that is nowhere is an error that names the five newest that are there, and who could not be asked', async (t) => {
    const hours = [1, 2, 3, 4, 5, 6]
    await assert.rejects(found([await folderWith(t, 'one', hours.map(at)), down('gone')], at(23)), (error: unknown) => {
      assert.ok(error instanceof BackupError)
      assert.equal(error.code, 'E_DESTINATION')
      assert.match(error.message, /^There is no dicom_backup_2026-11-23_23-00-00\.zip at one\. .*gone/)
      assert.ok(error.advice.includes(hours.slice(1).reverse().map(at).join(', ')), error.advice)
      assert.ok(!error.advice.includes(at(1)))
      return true
    })
    await assert.rejects(found([await folderWith(t, 'one', [])], null), /There is no archive at one/)
  })

  test('when only one was asked and it failed, its own error tells why', async () => {
    const error = await askAll([down('gone')], never, nothingSent).then(({ passedOver }) => passedOver[0]?.error)
    await assert.rejects(found([down('gone')], null), { code: error?.code, message: error?.message })
    await assert.rejects(found([down('gone'), down('lost')], null), /No destination could be reached\. .*gone.*lost/)
  })

  test('a stop ends it', async (t) => {
    await assert.rejects(askAll([await folderWith(t, 'one', [at(1)])], AbortSignal.abort(), nothingSent), {
      code: 'E_ABORTED',
    })
  })
})
