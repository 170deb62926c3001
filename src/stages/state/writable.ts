import { randomUUID } from 'node:crypto'
import { access, constants, open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { isBusy } from './state-error.ts'

/** SQLite's files in a state folder. */
export const STATE_FILES = ['state.sqlite', 'lock.sqlite'] as const

/** More than a file system keeps in its own records, so that it has to find room. */
const PROBE_BYTES = 64 * 1024

/** What is wrong, and what to do, each in a sentence. */
export interface StateFault {
  readonly detail: string
  readonly remedy: string
}

/**
 * Why a run could not write its state into this folder; null when it could, or when there is no folder yet. Writes a small
 * file there and removes it, so that a full disk is noticed.
 */
export async function whyNotWritable(folder: string): Promise<StateFault | null> {
  try {
    if (!(await stat(folder)).isDirectory()) return null
  } catch {
    return null
  }
  try {
    await writeAndRemove(path.join(folder, `.dicom-backup-probe-${randomUUID()}`))
  } catch (error) {
    return faultOf(error, folder)
  }
  for (const name of [...STATE_FILES, 'runs']) {
    const file = path.join(folder, name)
    try {
      await access(file, constants.W_OK)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') return faultOf(error, file)
    }
  }
  return null
}

/** What is wrong with an SQLite file of the state, by its own check; null when nothing is, or when there is none yet. */
export async function whyDamaged(file: string): Promise<StateFault | null> {
  try {
    await access(file, constants.F_OK)
  } catch {
    return null
  }
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const [row] = database.prepare('PRAGMA quick_check(1)').all()
    const found = String(Object.values(row ?? {})[0])
    return found === 'ok' ? null : damaged(file, found)
  } catch (error) {
    // A run holds it: then it works.
    if (isBusy(error)) return null
    return damaged(file, error instanceof Error ? error.message : String(error))
  } finally {
    database?.close()
  }
}

function damaged(file: string, why: string): StateFault {
  return {
    detail: `${file} is damaged (${why}).`,
    remedy: `Move ${file} away when no run is active: a new one is made.`,
  }
}

async function writeAndRemove(file: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.write(Buffer.alloc(PROBE_BYTES, 1))
    await handle.datasync()
  } finally {
    await handle.close()
    await rm(file, { force: true })
  }
}

function faultOf(error: unknown, where: string): StateFault {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return { detail: `The disk of ${where} is full.`, remedy: 'Free space there: without it no run can begin.' }
  }
  return {
    detail: `${where} cannot be written to (${code}).`,
    remedy: `Give the user who runs the backup the right to write to ${where}, and check its disk.`,
  }
}
