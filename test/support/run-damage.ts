/** What a run that was killed has left behind, and how it may be damaged. */
import { glob, readFile, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import type { Rig } from './rig.ts'
import type { Seeded } from './seed.ts'
import { namesAtNas } from './traffic.ts'

/** Loses the ring, as a lost ring may: it is not flushed. Resolves with the files it did it to. */
export async function loseRing(rig: Rig, random: Seeded): Promise<string[]> {
  const files = await stateFiles(rig, 'runs/*/ring*')
  for (const file of files) await (random.chance(0.5) ? rm(file) : truncate(file, 0))
  return files
}

/** Cuts the journal off somewhere in its last line. Resolves with the files it did it to. */
export async function tearJournal(rig: Rig, random: Seeded): Promise<string[]> {
  const files = await stateFiles(rig, 'runs/*/journal*')
  for (const file of files) {
    const bytes = await readFile(file)
    const lastLine = bytes.length < 2 ? 0 : bytes.lastIndexOf('\n', bytes.length - 2) + 1
    await truncate(file, random.between(lastLine, bytes.length))
  }
  return files
}

async function stateFiles(rig: Rig, pattern: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: rig.state })) files.push(path.join(rig.state, file))
  return files.sort()
}

const LOCAL_RECORD = 'PK\x03\x04'
const FILES = 'dicom_files/'

/** The file whose local record is the last in what the folder holds of an archive begun; null when there is none. */
export async function fileInProgress(rig: Rig): Promise<string | null> {
  const [name] = namesAtNas(rig).begun
  if (name === undefined) return null
  const bytes = await readFile(path.join(rig.nas, `${name}.partial`))
  for (let at = bytes.lastIndexOf(LOCAL_RECORD); at > 0; at = bytes.lastIndexOf(LOCAL_RECORD, at - 1)) {
    const length = at + 30 <= bytes.length ? bytes.readUInt16LE(at + 26) : 0
    const entry = bytes.toString('utf8', at + 30, at + 30 + length)
    if (entry.startsWith(FILES)) return entry.slice(FILES.length)
  }
  return null
}
