import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { DatabaseConfig } from '../config/types.ts'
import { dumpDatabase } from './dump.ts'

/**
 * Has the dump program dump the structure of the database, without rows, as a run would; `leaveOut` names the views that
 * the server cannot show. Its option file is in a temporary folder, and both are removed. Rejects as `dumpDatabase` does.
 */
export async function tryDump(
  database: DatabaseConfig,
  leaveOut: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dicom-backup-'))
  try {
    const content = { leaveOut, history: false, structureOnly: true }
    for await (const _ of dumpDatabase(database, { folder, signal, content }));
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether the dump program can use a database that this program cannot. Rejects with E_ABORTED only. */
export async function canDump(database: DatabaseConfig, signal: AbortSignal): Promise<boolean> {
  try {
    await tryDump(database, [], signal)
    return true
  } catch (error) {
    if (signal.aborted) throw error
    return false
  }
}
