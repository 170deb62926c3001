import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { deadBytes } from './dead-bytes.ts'
import type { Rig } from './rig.ts'
import type { Sources } from './source-changes.ts'
import type { VersionedDatabase } from './versioned-database.ts'
import { readEntries, readEntry, readManifest, type ReadEntry } from './zip-entries.ts'
import { READERS } from './zip-readers.ts'

export interface ArchiveExpectation {
  readonly sources: Sources
  /** `from`: the version that it had when the archive was begun. Null: files only. */
  readonly database: { readonly check: VersionedDatabase['check']; readonly name: string; readonly from: number } | null
  /** The result of the run that ended it; null when that run was killed before it could tell. */
  readonly result: RunResult | null
}

const FILES = 'dicom_files/'
const MANIFEST = 'backup-manifest.ndjson'
const BLOCK_BYTES = 4 * 1024 * 1024

type Line = Readonly<Record<string, unknown>>

/**
 * Holds one archive against everything that is promised of it: the same bytes at all three destinations, nothing else
 * visible there, whole in every reader, true to the sources. Resolves with its size in bytes.
 */
export async function checkArchives(rig: Rig, name: string, expectation: ArchiveExpectation): Promise<number> {
  assert.deepEqual(await rig.visible(), [name, name, name], 'the archive is at each destination once, and nothing else')
  const { nas, dropbox, drive } = await rig.archives(name)
  const bytes = await readFile(nas)
  assert.equal(sha256(await readFile(dropbox)), sha256(bytes), 'Dropbox holds the same bytes as the folder')
  assert.equal(sha256(await readFile(drive)), sha256(bytes), 'Drive holds the same bytes as the folder')
  const open = Object.entries(READERS).map(([reader, check]) => assert.doesNotReject(check(nas), `${reader} opens it`))
  await Promise.all(open)

  const entries = await readEntries(nas)
  const [head, ...lines] = await readManifest(nas)
  checkManifest(entries, head ?? {}, lines, await deadBytes(bytes))
  checkFiles(lines, expectation.sources)
  if (expectation.database !== null) {
    const dump = `database/${expectation.database.name}.sql`
    assert.equal(entries.find((entry) => !entry.name.endsWith('/'))?.name, dump, 'the dump comes first')
    expectation.database.check(await readEntry(nas, dump), expectation.database.from)
  }
  if (expectation.result !== null) {
    checkResult(expectation.result, { name, bytes, lines })
    assert.deepEqual(await readdir(path.join(rig.state, 'runs')).catch(() => []), [], 'nothing of the run is left')
  }
  return bytes.length
}

/** The manifest is the last entry, and true to all others. */
function checkManifest(entries: readonly ReadEntry[], head: Line, lines: readonly Line[], dead: number): void {
  const names = entries.map((entry) => entry.name)
  assert.equal(new Set(names).size, names.length, 'every entry once')
  assert.equal(names.at(-1), MANIFEST)
  const stored = lines.filter((line) => line['skipped'] === undefined)
  assert.deepEqual(
    stored.map((line) => [line['path'], line['size'], line['sha256']]),
    entries
      .filter((entry) => entry.name !== MANIFEST && !entry.name.endsWith('/'))
      .map((entry) => [entry.name, entry.size, entry.sha256]),
    'the manifest has every entry with its size and the hash of its bytes',
  )
  const paths = lines.map((line) => line['path'])
  assert.equal(new Set(paths).size, paths.length, 'the manifest has every path once')
  const files = stored.filter((line) => String(line['path']).startsWith(FILES))
  assert.deepEqual(head['counts'], {
    files: files.length,
    bytes: files.reduce((sum, line) => sum + Number(line['size']), 0),
    skipped: lines.length - stored.length,
    deadBytes: dead,
  })
}

/** Every file is in the archive as it has been at some time; what was there all the time is there. */
function checkFiles(lines: readonly Line[], sources: Sources): void {
  const told = new Map<string, Line>()
  for (const line of lines) {
    const entry = String(line['path'])
    if (entry.startsWith(FILES)) told.set(entry.slice(FILES.length), line)
  }
  for (const [file, line] of told) {
    const states = sources.states(file)
    assert.ok(states.size > 0, `${file} has never been there`)
    const skipped = line['skipped']
    if (skipped === undefined) assert.ok(states.has(String(line['sha256'])), `${file} is as it has been at some time`)
    else assert.ok(sources.removed.has(file), `${file} is there, but was left out: ${JSON.stringify(skipped)}`)
  }
  for (const file of sources.first) {
    if (!sources.removed.has(file)) assert.ok(told.has(file), `${file} is missing`)
  }
}

/** The result agrees with what is stored. */
function checkResult(
  result: RunResult,
  { name, bytes, lines }: { readonly name: string; readonly bytes: Buffer; readonly lines: readonly Line[] },
): void {
  const skipped = lines.filter((line) => line['skipped'] !== undefined)
  const files = lines.filter((line) => line['skipped'] === undefined && String(line['path']).startsWith(FILES))
  assert.deepEqual(result.archive, {
    name,
    bytes: bytes.length,
    files: files.length,
    md5: createHash('md5').update(bytes).digest('hex'),
    contentHash: contentHash(bytes),
  })
  assert.deepEqual(
    result.skippedFiles,
    skipped.map((line) => ({ path: line['path'], reason: line['skipped'] })),
  )
  assert.equal(result.status, skipped.length === 0 ? 'completed' : 'partial', JSON.stringify(result.warnings))
  assert.deepEqual(
    result.destinations.map(({ status, error }) => [status, error]),
    result.destinations.map(() => ['completed', null]),
  )
  assert.equal(result.destinations.length, 3)
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** https://www.dropbox.com/developers/reference/content-hash */
function contentHash(bytes: Buffer): string {
  const all = createHash('sha256')
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    all.update(
      createHash('sha256')
        .update(bytes.subarray(at, at + BLOCK_BYTES))
        .digest(),
    )
  }
  return all.digest('hex')
}
