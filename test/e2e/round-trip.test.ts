import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, readFile, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { noSharedDicom, sharedDicom } from '../support/shared-dicom.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas } from '../support/rig.ts'
import { createViewerDatabase, type ViewerDatabase } from '../support/viewer-database.ts'
import { readEntries, readEntry, readManifest } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

let server: MariaDb
let viewer: ViewerDatabase
before(async () => {
  server = await startMariaDb()
  viewer = await createViewerDatabase(server, { patients: 200 })
})
after(() => server.close())

const database = () => ({ socket: server.socket, user: server.user, password: server.password, name: viewer.name })

describe('a backup of real DICOM files and a real database', { skip: noSharedDicom }, () => {
  test('arrives whole and the same everywhere, opens in every reader, and holds every file byte for byte', async (t) => {
    const rig = await makeRig(t)
    await rig.configure({ database: database() })
    await cp(sharedDicom()!, rig.root, { recursive: true, preserveTimestamps: true })

    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
    assert.equal(result.status, 'completed')
    assert.deepEqual(result.skippedFiles, [])
    assert.deepEqual(
      result.destinations.map(({ status }) => status),
      ['completed', 'completed', 'completed'],
    )

    const archives = await rig.archives(result.archive!.name)
    const bytes = await readFile(archives.nas)
    assert.ok(bytes.equals(await readFile(archives.dropbox)), 'Dropbox holds the same bytes')
    assert.ok(bytes.equals(await readFile(archives.drive)), 'Drive holds the same bytes')
    assert.equal(bytes.length, result.archive!.bytes)
    assert.equal(createHash('md5').update(bytes).digest('hex'), result.archive!.md5)
    assert.equal(rig.dropbox.objects()[0]?.digests.contentHash, result.archive!.contentHash)
    for (const [reader, check] of Object.entries(READERS)) {
      await assert.doesNotReject(check(archives.nas), `${reader} opens it`)
    }

    const entries = await readEntries(archives.nas)
    const names = entries.map(({ name }) => name)
    assert.equal(names[0], `database/${viewer.name}.sql`)
    assert.equal(names.at(-1), 'backup-manifest.ndjson')
    assert.equal(new Set(names).size, names.length, 'every entry once')
    const manifest = await readManifest(archives.nas)
    const lines = new Map(manifest.slice(1).map((line) => [String(line['path']), line]))

    const files = (await readdir(rig.root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    assert.equal(entries.length, files.length + 2)
    assert.equal(result.archive!.files, files.length)
    for (const file of files) {
      const full = path.join(file.parentPath, file.name)
      const name = `dicom_files/${path.relative(rig.root, full).split(path.sep).join('/')}`
      const entry = entries.find((one) => one.name === name)
      const original = await readFile(full)
      const { mtime } = await stat(full)
      assert.equal(entry?.sha256, sha256(original), name)
      assert.equal(lines.get(name)?.['sha256'], sha256(original), name)
      assert.equal(lines.get(name)?.['size'], original.length, name)
      assert.equal(Date.parse(String(lines.get(name)?.['mtime'])), Math.floor(mtime.getTime()), name)
      assert.deepEqual(entry?.date.slice(0, 5), [
        mtime.getFullYear(),
        mtime.getMonth() + 1,
        mtime.getDate(),
        mtime.getHours(),
        mtime.getMinutes(),
      ])
    }
    assert.deepEqual(manifest[0]?.['counts'], {
      files: files.length,
      bytes: entries.slice(1, -1).reduce((sum, { size }) => sum + size, 0),
      skipped: 0,
      deadBytes: 0,
    })

    await loadsBack(await readEntry(archives.nas, `database/${viewer.name}.sql`))
  })

  test('compresses what deflate can make smaller and stores what it cannot', async (t) => {
    const rig = await makeRig(t)
    await cp(path.join(sharedDicom()!, 'odd/transfer-syntaxes'), rig.root, { recursive: true })
    const { result } = await rig.run()
    const entries = await readEntries((await rig.archives(result.archive!.name)).nas)
    const methodOf = (part: string): number | undefined => entries.find(({ name }) => name.includes(part))?.method
    assert.equal(methodOf('LittleEndianExplicit'), 8)
    assert.equal(methodOf('LittleEndianImplicit'), 8)
    assert.equal(methodOf('RLELossless'), 8)
    assert.equal(methodOf('JPEG2000LosslessOnly'), 0)
    assert.equal(methodOf('HTJ2K_08_RGB'), 0)
    assert.equal(methodOf('JPEGLSLossless'), 0)
  })

  test('the manifest tells the identifiers of every instance whose header can be read', async (t) => {
    const rig = await makeRig(t)
    await cp(path.join(sharedDicom()!, 'dicom_files'), rig.root, { recursive: true })
    const { result } = await rig.run()
    const lines = (await readManifest((await rig.archives(result.archive!.name)).nas)).slice(1)
    for (const line of lines) {
      for (const key of ['transferSyntax', 'studyUid', 'seriesUid', 'sopUid']) {
        assert.equal(typeof line[key], 'string', `${String(line['path'])} has ${key}`)
      }
    }
  })
})

/** Loads the dump into an empty database and compares everything in it with the original. */
async function loadsBack(dump: Buffer): Promise<void> {
  await server.query('CREATE DATABASE restored CHARACTER SET utf8mb4')
  await server.load('restored', dump)
  for (const table of viewer.tables) {
    const [one] = await server.query(`CHECKSUM TABLE \`${viewer.name}\`.\`${table}\``)
    const [two] = await server.query(`CHECKSUM TABLE \`restored\`.\`${table}\``)
    assert.equal(two?.['Checksum'], one?.['Checksum'], table)
  }
  const things = {
    view: "SELECT table_name AS name, '' AS body FROM information_schema.views WHERE table_schema",
    trigger:
      'SELECT trigger_name AS name, action_statement AS body FROM information_schema.triggers WHERE trigger_schema',
    routine:
      'SELECT routine_name AS name, routine_definition AS body FROM information_schema.routines WHERE routine_schema',
    event: 'SELECT event_name AS name, event_definition AS body FROM information_schema.events WHERE event_schema',
  }
  for (const [what, query] of Object.entries(things)) {
    const original = await server.query(`${query} = '${viewer.name}' ORDER BY 1`)
    assert.ok(original.length > 0, `there is a ${what}`)
    assert.deepEqual(await server.query(`${query} = 'restored' ORDER BY 1`), original, what)
  }
}

test('two runs that start in one second make two archives', async (t) => {
  const rig = await makeRig(t, onlyNas)
  await rig.put('a.dcm', 'x')
  for (let n = 0; n < 3; n += 1) assert.equal((await rig.run()).code, 0)
  assert.equal((await rig.visible()).length, 3)
})
