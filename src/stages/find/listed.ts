/** What the last listing of each destination found, in a file of the state folder: `status` reads it and asks nobody. */
import path from 'node:path'
import type { Format } from '../../pipeline/files/format-version.ts'
import { readNote, replaceNote } from '../../pipeline/files/state-file.ts'
import type { CopiesAt } from '../contract/results.ts'
import type { Config } from '../config/types.ts'

/** What the last listing of a destination came to, as it is kept in the state folder. */
export interface Listed extends CopiesAt {
  /** Names that were there. */
  readonly present: readonly string[]
}

export const LISTED_FILE = 'copies.json'
/** Version 0 has `version: 1`, and is else the same. */
export const LISTED_FORMAT: Format = { name: 'what destinations were found to hold', version: 1 }

const fileOf = (stateFolder: string): string => path.join(stateFolder, LISTED_FILE)

/** What the last listing found, of destinations that are still configured; empty when there was none. */
export async function lastCopies({ state, destinations }: Config): Promise<CopiesAt[]> {
  const all = await readListed(state.dir)
  return all
    .filter(({ destination }) => destinations.some(({ name }) => name === destination))
    .map(({ present: _, ...one }) => one)
}

/** Rejects with E_STATE when it cannot be written. */
export async function keepListed(stateFolder: string, listed: readonly Listed[]): Promise<void> {
  await replaceNote(fileOf(stateFolder), LISTED_FORMAT, { listed })
}

/** A file that cannot be read is one that was never written. Rejects with NewerFormatError. */
export async function readListed(stateFolder: string): Promise<Listed[]> {
  const { listed } = (await readNote(fileOf(stateFolder), LISTED_FORMAT)) ?? {}
  return Array.isArray(listed) ? listed.filter(isListed) : []
}

function isListed(value: unknown): value is Listed {
  if (typeof value !== 'object' || value === null) return false
  const { destination, checkedAt, gone, present, error } = value as Partial<Record<keyof Listed, unknown>>
  const isNames = (names: unknown): boolean => Array.isArray(names) && names.every((name) => typeof name === 'string')
  const isError =
    error === null || (typeof error === 'object' && typeof (error as { message?: unknown }).message === 'string')
  const isTime = typeof checkedAt === 'string' && !Number.isNaN(Date.parse(checkedAt))
  return typeof destination === 'string' && isTime && isNames(gone) && isNames(present) && isError
}
