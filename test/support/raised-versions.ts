/** Everything that the program writes and reads later, as a newer version would have written it. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { formatLine, parseLine } from '../../src/pipeline/journal/checked-line.ts'

type Fields = Record<string, unknown>

/** Raises the version in a file: JSON with `format`, which a small file and a plan begin with. */
function raiseJson(file: string): void {
  const text = readFileSync(file, 'utf8')
  const raised = text.replace(/"format": ?1\b/, '"format":2')
  if (raised === text) throw new Error(`${file} has no version: ${text.slice(0, 200)}`)
  writeFileSync(file, raised)
}

/** Changes the values of a file of checked lines; each keeps its length where it has one. */
function changeLines(file: string, change: (values: Fields[]) => Fields[], width = 0): void {
  const lines = readFileSync(file).toString('latin1').split('\n').slice(0, -1)
  const values = lines.map((line) => parseLine(Buffer.from(`${line}\n`, 'latin1')) as Fields)
  const changed = change(values)
  writeFileSync(file, Buffer.concat(changed.map((value) => formatLine(value, width))))
}

function changeOne(values: Fields[], is: (value: Fields) => boolean, change: (value: Fields) => Fields): Fields[] {
  if (!values.some(is)) throw new Error('There is no such line.')
  return values.map((value) => (is(value) ? change(value) : value))
}

const isStart = ({ is, name }: Fields): boolean => is === 'fact' && name === 'start'

/** The version in the manifest of a stored archive whose entries are not compressed, with its checksums. */
export function raiseArchive(file: string): void {
  const archive = readFileSync(file)
  const at = archive.lastIndexOf('{"format":1,"tool":"dicom-backup"')
  const end = archive.lastIndexOf('\n', archive.indexOf('PK\x01\x02', at)) + 1
  if (at < 0) throw new Error(`${file} has no version in its manifest.`)
  const manifest = archive.subarray(at, end)
  const before = Buffer.alloc(4)
  const now = Buffer.alloc(4)
  before.writeUInt32LE(crc32(manifest))
  manifest.write('{"format":2')
  now.writeUInt32LE(crc32(manifest))
  let sums = 0
  for (let found = archive.indexOf(before); found >= 0; found = archive.indexOf(before, found + 4)) {
    now.copy(archive, found)
    sums += 1
  }
  if (sums < 2) throw new Error(`${file}: of the manifest there are ${sums} checksums.`)
  writeFileSync(file, archive)
}

/**
 * By what is raised: the file below the state folder, and what does it. `pattern` is of one file; there has to be one.
 */
export const IN_STATE: Readonly<Record<string, { readonly pattern: string; readonly raise: (file: string) => void }>> =
  {
    'the record of runs': {
      pattern: 'state.sqlite',
      raise: (file) => {
        const database = new DatabaseSync(file)
        const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {})
        database.exec(`PRAGMA user_version = ${Number(version) + 1}`)
        database.close()
      },
    },
    "the journal's lines": {
      pattern: 'runs/*/journal',
      raise: (file) => {
        changeLines(file, (all) =>
          changeOne(
            all,
            ({ is }) => is === 'format',
            (line) => ({ ...line, format: 2 }),
          ),
        )
      },
    },
    'a line of the journal of an unknown kind': {
      pattern: 'runs/*/journal',
      raise: (file) => {
        changeLines(file, (all) => [...all, { is: 'sealed', by: 'a newer version' }])
      },
    },
    "a run's facts": {
      pattern: 'runs/*/journal',
      raise: (file) => {
        changeLines(file, (all) =>
          changeOne(all, isStart, (line) => ({ ...line, value: { ...(line['value'] as Fields), format: 2 } })),
        )
      },
    },
    'a fact that is unknown': {
      pattern: 'runs/*/journal',
      raise: (file) => {
        changeLines(file, (all) => [...all, { is: 'fact', name: 'sealed', value: true }])
      },
    },
    'the last checkpoint': {
      pattern: 'runs/*/parts',
      raise: (file) => {
        const last = readFileSync(file).length / 512 - 1
        changeLines(
          file,
          (all) =>
            changeOne(
              all,
              ({ n }) => n === last,
              (record) => {
                const mark = record['mark'] as { readonly place: readonly unknown[] }
                return { ...record, mark: { ...mark, place: mark.place.with(14, 2) } }
              },
            ),
          512,
        )
      },
    },
    'the plan': { pattern: 'runs/*/plan.ndjson', raise: raiseJson },
    'how far a run is': { pattern: 'running.json', raise: raiseJson },
    'who holds the lock': { pattern: 'lock-holder.json', raise: raiseJson },
    'the mounted disks': { pattern: 'places.json', raise: raiseJson },
    'what destinations were found to hold': { pattern: 'copies.json', raise: raiseJson },
    'a sign-in': { pattern: 'sign-ins/*.json', raise: raiseJson },
  }

/** Raises the version of one of `IN_STATE`; gives what puts the file back. */
export function raiseInState(stateFolder: string, what: string): () => void {
  const { pattern, raise } = IN_STATE[what] ?? { pattern: '', raise: () => undefined }
  const [name, ...more] = globSync(pattern, { cwd: stateFolder })
  if (name === undefined || more.length > 0) throw new Error(`There is not one ${pattern} in ${stateFolder}.`)
  return raised(path.join(stateFolder, name), raise)
}

/** Raises the version in a file; gives what puts the file back. */
export function raised(file: string, raise: (file: string) => void = raiseJson): () => void {
  const content = readFileSync(file)
  raise(file)
  return () => {
    writeFileSync(file, content)
  }
}
