/** On which mount point each folder was at earlier runs, in a file of the state folder. */
import path from 'node:path'
import type { Format } from '../../pipeline/files/format-version.ts'
import { readNote, replaceNote } from '../../pipeline/files/state-file.ts'
import type { DestinationConfig } from './config.ts'

export const MOUNTS_FILE = 'places.json'
/** Version 0 has `version: 1`, and is else the same. */
export const MOUNTS_FORMAT: Format = { name: 'the list of mounted disks', version: 1 }

const fileOf = (stateFolder: string): string => path.join(stateFolder, MOUNTS_FILE)
export const keyOf = ({ name, folder }: DestinationConfig): string => `${name}\n${folder}`

/** By `keyOf`; null: on the whole system's. Empty when nothing was noted. Rejects with NewerFormatError. */
export async function notedMounts(stateFolder: string): Promise<Map<string, string | null>> {
  const { mounts = null } = (await readNote(fileOf(stateFolder), MOUNTS_FORMAT)) ?? {}
  if (typeof mounts !== 'object' || mounts === null) return new Map()
  return new Map(Object.entries(mounts).filter(([, mount]) => mount === null || typeof mount === 'string'))
}

/** Notes what was found, beside what is known. Never rejects. */
export async function keepMounts(
  stateFolder: string,
  known: ReadonlyMap<string, string | null>,
  found: ReadonlyMap<string, string | null>,
): Promise<void> {
  const isSame = [...found].every(([key, mount]) => known.has(key) && known.get(key) === mount)
  if (isSame) return
  const mounts = Object.fromEntries([...known, ...found])
  // Without it a run works as well; the next one tries again.
  await replaceNote(fileOf(stateFolder), MOUNTS_FORMAT, { mounts }).catch(() => undefined)
}
