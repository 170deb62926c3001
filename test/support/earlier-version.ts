/** What the last version whose formats had no numbers left on the disk: see test/fixtures/README.md. */
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { brotliDecompressSync } from 'node:zlib'
import { formatLine, parseLine } from '../../src/pipeline/journal/checked-line.ts'
import type { Settings } from './rig.ts'

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/made-by-4b7234e.br')
const MTIME_S = 1_767_323_045
const MIB = 1 << 20

/** The archive it stored, and the one of its open run. */
export const STORED = 'dicom_backup_2026-11-30_22-46-33.zip'
export const OPEN = 'dicom_backup_2026-11-30_22-46-37.zip'

/** Bytes that `nas` was known to hold of the open run's archive when it was killed. */
export const HELD_AT_NAS = 8 * MIB

/** Each file of the archive folder, by name: its content is made of it. */
export const FILES: ReadonlyMap<string, Buffer> = new Map([
  ['a', Buffer.alloc(1000, 'a ')],
  ['b', Buffer.alloc(2000, 'b ')],
  ...Array.from({ length: 24 }, (_, n): [string, Buffer] => [
    `c${String(n).padStart(2, '0')}`,
    Buffer.alloc((n === 5 ? 5 : 1.5) * MIB, `file ${n} `),
  ]),
])

/** The sections of its configuration. The database was dumped already: nobody has to listen there. */
export const SECTIONS: Settings = {
  database: { host: '127.0.0.1', port: 1, user: 'backup', password: 'not asked for', name: 'viewer' },
  archive: { compression: 'store' },
  destinations: [
    { name: 'hospital-dropbox', type: 'dropbox', folder: '/B', appKey: 'app-key' },
    { name: 'nas', type: 'local', folder: 'nas' },
  ],
}

/** Puts all of it into a folder, with paths that lead there, and makes the archive folder `dicom_files` in it. */
export function unpackEarlier(folder: string): void {
  const bytes = brotliDecompressSync(readFileSync(FIXTURE))
  let at = bytes.indexOf('\n') + 1
  const { folder: made, files } = JSON.parse(bytes.toString('utf8', 0, at)) as {
    folder: string
    files: readonly (readonly [string, number])[]
  }
  for (const [name, size] of files) {
    const file = path.join(folder, name)
    const content = bytes.subarray(at, (at += size))
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, name.endsWith('/journal') ? moved(content, made, folder) : content, { mode: 0o600 })
  }
  const database = new DatabaseSync(path.join(folder, '.dicom-backup/state.sqlite'))
  database.prepare('UPDATE runs SET destinations = replace(destinations, ?, ?)').run(made, folder)
  database.close()
  mkdirSync(path.join(folder, 'dicom_files'), { recursive: true })
  for (const [name, content] of FILES) {
    const file = path.join(folder, 'dicom_files', name)
    writeFileSync(file, content)
    utimesSync(file, MTIME_S, MTIME_S)
  }
}

/** A journal whose paths lead to another folder. */
function moved(journal: Buffer, from: string, to: string): Buffer {
  const lines = journal.toString('latin1').split('\n').slice(0, -1)
  return Buffer.concat(
    lines.map((line) => {
      const text = JSON.stringify(parseLine(Buffer.from(`${line}\n`, 'latin1')))
      return formatLine(JSON.parse(text.replaceAll(from, to)))
    }),
  )
}
