/** What outlives a process, opened out of a folder as each new process does. */
import path from 'node:path'
import { RING_PARTS, type RunStore } from '../../src/pipeline/deliver.ts'
import { PartIndex } from '../../src/pipeline/parts/part-index.ts'
import { PartRing } from '../../src/pipeline/parts/part-ring.ts'
import { RunRecord } from '../../src/pipeline/journal/run-record.ts'

export interface OpenKeeping extends RunStore {
  readonly close: () => Promise<void>
}

export const ringFile = (folder: string): string => path.join(folder, 'ring')
export const journalFile = (folder: string): string => path.join(folder, 'journal')

export async function openKeeping(folder: string, slots = RING_PARTS): Promise<OpenKeeping> {
  const record = await RunRecord.open(journalFile(folder))
  const index = await PartIndex.open(path.join(folder, 'parts'), record.state.made.parts)
  const ring = await PartRing.open(ringFile(folder), slots)
  const close = async (): Promise<void> => {
    await record.close()
    await index.close()
    await ring.close()
  }
  return { record, index, ring, close }
}

/** Calls `onSync` before each sync, and what it gives when that sync is done. What it throws, the sync rejects with. */
export function watchSyncs(one: RunRecord | PartIndex, onSync: () => () => void): void {
  const sync = one.sync.bind(one)
  one.sync = async () => {
    const done = onSync()
    await sync()
    done()
  }
}
