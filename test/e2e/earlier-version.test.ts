/** State, archives and an open run of the last version whose formats had no numbers: see test/fixtures/README.md. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import type { HistoryResult } from '../../src/stages/contract/history.ts'
import type { RunResult, StatusResult } from '../../src/stages/contract/results.ts'
import { startDropboxStandIn, type DropboxStandIn } from '../../src/stages/stand-ins/dropbox/stand-in.ts'
import { dicomBackup } from '../support/cli.ts'
import { deadBytes } from '../support/dead-bytes.ts'
import { FILES, HELD_AT_NAS, OPEN, SECTIONS, STORED, unpackEarlier } from '../support/earlier-version.ts'
import { bytesBelow } from '../support/folder-bytes.ts'
import { nearServices } from '../support/near-services.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { readEntries, readManifest } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('what an earlier version left', { skip: process.platform === 'win32' }, () => {
  const cleanUps: (() => unknown)[] = []
  let folder: string
  let dropbox: DropboxStandIn

  before(async () => {
    folder = await tempFolder({ after: (work: () => unknown) => cleanUps.push(work) })
    // Of the refresh token in the earlier version's sign-in.
    dropbox = await startDropboxStandIn({
      storage: { folder: path.join(folder, 'dropbox') },
      accessTokens: [],
      refreshTokens: ['refresh'],
    })
    unpackEarlier(folder)
    const sections = { dicom: { root: 'dicom_files' }, endpoints: { dropbox: dropbox.origin }, ...SECTIONS }
    writeFileSync(path.join(folder, 'dicom-backup.yaml'), stringify(sections), { mode: 0o600 })
  })
  after(async () => {
    await dropbox.close()
    for (const cleanUp of cleanUps) await cleanUp()
  })

  const cli = async (...args: readonly string[]): Promise<{ code: number | null; result: unknown }> => {
    const words = [...args, '--json', '--config', path.join(folder, 'dicom-backup.yaml')]
    const { code, stdout } = await dicomBackup(words, { env: await nearServices() })
    return { code, result: JSON.parse(stdout) }
  }

  test('its state and its open run are read as they are, and not a byte is changed', async () => {
    const state = path.join(folder, '.dicom-backup')
    const found = bytesBelow(state)
    const { result: status } = (await cli('status')) as { result: StatusResult }
    assert.deepEqual(
      [status.backedUp, status.interruptedRun?.archive, status.interruptedRun?.archiveBytes, status.lastVerified?.ok],
      [1, OPEN, 5 * (4 << 20), true],
    )
    const { result: history } = (await cli('history')) as { result: HistoryResult }
    assert.deepEqual(
      history.runs.map(({ archive, status: how }) => [archive, how]),
      [[STORED, 'completed']],
    )
    assert.deepEqual(bytesBelow(state), found)
  })

  test('its open run is resumed, with its sign-in, and the archive is whole and the same everywhere', async () => {
    const { code, result } = (await cli('run')) as { code: number | null; result: RunResult }
    assert.equal(code, 0, JSON.stringify(result))
    const nas = path.join(folder, 'nas', OPEN)
    const { size } = statSync(nas)
    const sent = Object.fromEntries(result.destinations.map(({ name, bytesSent }) => [name, bytesSent]))
    assert.deepEqual([result.status, result.resumed, result.archive?.name], ['completed', true, OPEN])
    assert.deepEqual(sent, { nas: size - HELD_AT_NAS, 'hospital-dropbox': size })

    execFileSync('unzip', ['-tqq', nas])
    for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(nas), reader)
    const atDropbox = dropbox.objects().find((one) => path.posix.basename(one.path) === OPEN)?.file
    assert.equal(sha256(readFileSync(atDropbox ?? '')), sha256(readFileSync(nas)))
    const [head, ...lines] = await readManifest(nas)
    assert.deepEqual(
      [head?.['format'], head?.['counts']],
      [1, { ...countsOfFiles(), deadBytes: await deadBytes(readFileSync(nas)) }],
    )
    const stored = new Map(lines.map((line) => [line['path'], line['sha256']]))
    for (const [name, content] of FILES) assert.equal(stored.get(`dicom_files/${name}`), sha256(content), name)
    const names = (await readEntries(nas)).map(({ name }) => name)
    assert.equal(names.length, FILES.size + 2)
    assert.equal(new Set(names).size, names.length)
    assert.deepEqual(readdirSync(path.join(folder, '.dicom-backup/runs')), [])
  })

  test('its record of runs goes on, in the newest version', async () => {
    const { result } = (await cli('history')) as { result: HistoryResult }
    assert.deepEqual(
      result.runs.map(({ archive }) => archive),
      [OPEN, STORED],
    )
    const database = new DatabaseSync(path.join(folder, '.dicom-backup/state.sqlite'), { readOnly: true })
    assert.deepEqual(Object.values(database.prepare('PRAGMA user_version').get() ?? {}), [3])
    database.close()
  })

  test('its archive is verified, listed and restored', async () => {
    for (const how of [[], ['--deep']]) {
      const { code, result } = await cli('verify', STORED, ...how)
      assert.equal(code, 0, JSON.stringify(result))
    }
    const archives = await cli('archives')
    assert.ok(JSON.stringify(archives.result).includes(STORED))
    const list = await cli('restore', STORED, '--list')
    assert.equal(list.code, 0, JSON.stringify(list.result))
    const to = path.join(folder, 'restored')
    const restored = await cli('restore', STORED, '--to', to)
    assert.equal(restored.code, 0, JSON.stringify(restored.result))
    for (const name of ['a', 'b']) assert.deepEqual(readFileSync(path.join(to, 'dicom_files', name)), FILES.get(name))
  })

  function countsOfFiles(): object {
    const bytes = [...FILES.values()].reduce((sum, { length }) => sum + length, 0)
    return { files: FILES.size, bytes, skipped: 0 }
  }
})
