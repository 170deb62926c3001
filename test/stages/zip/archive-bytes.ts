/** Reads an archive by its central directory alone: nothing here is shared with what makes one. */
import assert from 'node:assert/strict'
import { crc32, inflateRawSync } from 'node:zlib'
import { sha256 } from './archive-maker.ts'

/** An entry of an archive, as its directory has it. */
export interface DirectoryEntry {
  readonly name: string
  readonly start: number
  /** Behind its data descriptor, when it has one. */
  readonly end: number
  readonly content: () => Buffer
}

/** The archive's entries in the order of the directory, which has no ZIP64 fields. APPNOTE 4.3.7, 4.3.12, 4.3.16. */
export function entriesOf(archive: Buffer): DirectoryEntry[] {
  const endRecord = archive.length - 22
  assert.equal(archive.readUInt32LE(endRecord), 0x06054b50)
  const entries: DirectoryEntry[] = []
  let at = archive.readUInt32LE(endRecord + 16)
  while (at < endRecord) {
    assert.equal(archive.readUInt32LE(at), 0x02014b50, 'the directory is where its end says')
    const record = archive.subarray(at)
    const nameEnd = 46 + record.readUInt16LE(28)
    const name = record.toString('utf8', 46, nameEnd)
    const start = record.readUInt32LE(42)
    const local = archive.subarray(start)
    assert.equal(local.readUInt32LE(0), 0x04034b50, `${name} begins where the directory says`)
    const data = 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
    assert.equal(local.toString('utf8', 30, 30 + local.readUInt16LE(26)), name)
    const bytes = local.subarray(data, data + record.readUInt32LE(20))
    const content = (): Buffer => {
      const whole = record.readUInt16LE(10) === 0 ? bytes : inflateRawSync(bytes)
      assert.deepEqual([whole.length, crc32(whole)], [record.readUInt32LE(24), record.readUInt32LE(16)], name)
      return whole
    }
    const descriptor = (local.readUInt16LE(6) & 8) === 0 ? 0 : 16
    entries.push({ name, start, end: start + data + bytes.length + descriptor, content })
    at += nameEnd + record.readUInt16LE(30) + record.readUInt16LE(32)
  }
  assert.equal(at, endRecord)
  assert.equal(entries.length, archive.readUInt16LE(endRecord + 10))
  return entries
}

/** Bytes before the last entry's end that no directory record names. */
export function deadBytes(entries: readonly DirectoryEntry[]): number {
  let position = 0
  let dead = 0
  for (const { name, start, end } of entries) {
    assert.ok(start >= position, `${name} begins in another entry`)
    dead += start - position
    position = end
  }
  return dead
}

export interface CheckedArchive {
  /** Contents by their names in the archive, without the manifest. */
  readonly contents: ReadonlyMap<string, Buffer>
  /** Reasons by those names. */
  readonly skipped: ReadonlyMap<string, string>
}

/** Throws unless every entry is there once and whole, and the manifest tells the truth of all. */
export function checkArchive(archive: Buffer): CheckedArchive {
  const entries = entriesOf(archive)
  const manifest = entries.at(-1)
  assert.equal(manifest?.name, 'backup-manifest.ndjson')
  const contents = new Map(entries.slice(0, -1).map(({ name, content }) => [name, content()]))
  assert.equal(contents.size, entries.length - 1, 'each entry once')
  const [head, ...lines] = manifest
    .content()
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const skipped = new Map<string, string>()
  for (const line of lines) if ('skipped' in line) skipped.set(String(line['path']), String(line['skipped']))
  const stored = lines.filter((line) => !('skipped' in line))
  assert.equal(skipped.size + stored.length, lines.length, 'each left-out file once')
  assert.deepEqual(
    stored.map((line) => [line['path'], line['size'], line['sha256']]),
    [...contents].filter(([name]) => !name.endsWith('/')).map(([name, bytes]) => [name, bytes.length, sha256(bytes)]),
    'the manifest has each entry, with the size and the hash of its content',
  )
  const files = stored.filter((line) => String(line['path']).startsWith('dicom_files/'))
  assert.deepEqual(head?.['counts'], {
    files: files.length,
    bytes: files.reduce((sum, line) => sum + Number(line['size']), 0),
    skipped: skipped.size,
    deadBytes: deadBytes(entries),
  })
  return { contents, skipped }
}
