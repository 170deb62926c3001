import { mkdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { RING_PARTS, type RunStore } from '../../pipeline/deliver.ts'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { PartIndex } from '../../pipeline/parts/part-index.ts'
import { PartRing } from '../../pipeline/parts/part-ring.ts'
import { whenFree } from '../../pipeline/files/rename.ts'
import { RunRecord } from '../../pipeline/journal/run-record.ts'
import { stateFileError } from '../../pipeline/files/state-file.ts'
import { checkFacts, factOf, noteFact, type RunStart } from './run-facts.ts'
import { indexOf, journalOf, ringOf, runsIn } from './run-files.ts'

/**
 * A run that is open: its folder inside the state folder, with dump, plan, directory, manifest and journal. It holds
 * patients' data, so only its owner can enter it.
 */
export interface OpenRun extends RunStore {
  readonly folder: string
  readonly start: RunStart
  /** Whether it was begun by an earlier process. */
  readonly resumed: boolean
}

/** Begins a run. It is on the disk, to be found by a later process, when this resolves. Rejects with E_QUOTA or E_STATE. */
export async function beginRun(stateFolder: string, start: RunStart): Promise<OpenRun> {
  const folder = path.join(runsIn(stateFolder), `${start.startedAt}-${start.runId}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw stateFileError(error, folder)
  }
  const record = await RunRecord.open(journalOf(folder))
  try {
    noteFact(record, 'start', start)
    await record.sync()
    return { folder, start, resumed: false, ...(await keep(folder, record)) }
  } catch (error) {
    await record.close().catch(() => undefined)
    throw error
  }
}

/**
 * Opens a run of an earlier process. Null when there is nothing to resume: it was killed before its first note.
 * Rejects with E_STATE when its files are damaged, with E_QUOTA or E_STATE when they cannot be used; with
 * NewerFormatError before anything is changed.
 */
export async function openRun(folder: string): Promise<OpenRun | null> {
  const file = journalOf(folder)
  const record = await RunRecord.open(file, (state) => {
    checkFacts(state, file)
  })
  try {
    const start = factOf(record, 'start')
    if (start === null) {
      await record.close()
      return null
    }
    return { folder, start, resumed: true, ...(await keep(folder, record)) }
  } catch (error) {
    await record.close().catch(() => undefined)
    throw error
  }
}

async function keep(folder: string, record: RunRecord): Promise<RunStore> {
  const index = await PartIndex.open(indexOf(folder), record.state.made.parts)
  return { record, index, ring: await PartRing.open(ringOf(folder), RING_PARTS) }
}

/** Lets go of a run's files. */
export async function closeRun({ record, index, ring }: OpenRun): Promise<void> {
  await Promise.allSettled([record.close(), index.close(), ring.close()])
}

/** When the run was last worked on, ms since 1970; 0 when it has no journal. Ask before it is opened. */
export async function lastWorkedOn(folder: string): Promise<number> {
  try {
    return (await stat(journalOf(folder))).mtimeMs
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw stateFileError(error, folder)
  }
}

/** Removes all that is left of a run. Rejects with E_STATE. */
export async function removeRun(folder: string): Promise<void> {
  try {
    // The journal goes first: a run without it has never been.
    await whenFree(() => rm(journalOf(folder), { force: true }))
    await rm(folder, { recursive: true, force: true, maxRetries: 8 })
  } catch (error) {
    throw stateFileError(error, folder)
  }
}
