/** The entries of an archive as Python's zipfile reads them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { needProgram } from './needed-programs.ts'

const run = promisify(execFile)
const options = { maxBuffer: 256 << 20 }

const LIST = `
import sys, json, zipfile, hashlib
with zipfile.ZipFile(sys.argv[1]) as z:
    for i in z.infolist():
        with z.open(i) as f: digest = hashlib.file_digest(f, 'sha256').hexdigest()
        print(json.dumps({'name': i.orig_filename, 'size': i.file_size, 'packed': i.compress_size, 'method': i.compress_type, 'sha256': digest, 'date': i.date_time}))
`

export interface ReadEntry {
  readonly name: string
  readonly size: number
  readonly packed: number
  /** 0 stored, 8 deflated. */
  readonly method: number
  readonly sha256: string
  /** Local time, two seconds exact: year, month, day, hour, minute, second. */
  readonly date: readonly number[]
}

/** Every entry as Python's zipfile reads it, in the order of the directory. */
export async function readEntries(archive: string): Promise<ReadEntry[]> {
  const { stdout } = await run(needProgram('python3'), ['-c', LIST, archive], options)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadEntry)
}

/** The bytes of one entry, by its exact name. */
export async function readEntry(archive: string, name: string): Promise<Buffer> {
  const script = 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))'
  const { stdout } = await run(needProgram('python3'), ['-c', script, archive, name], {
    ...options,
    encoding: 'buffer',
  })
  return stdout
}

/** The manifest's lines. */
export async function readManifest(archive: string): Promise<Record<string, unknown>[]> {
  const text = (await readEntry(archive, 'backup-manifest.ndjson')).toString()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
