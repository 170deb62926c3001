import type { RunState } from '../../pipeline/journal/run-record.ts'
import { isoLocal } from '../contract/time.ts'
import type { InterruptedRun } from '../contract/results.ts'
import { factOf } from './run-facts.ts'
import { readJournal, runFolders } from './run-files.ts'

/** The runs of a state folder that are not done, oldest first. Writes nothing. Rejects with E_STATE. */
export async function listOpenRuns(stateFolder: string): Promise<InterruptedRun[]> {
  const runs: InterruptedRun[] = []
  for (const folder of await runFolders(stateFolder)) {
    const run = interruptedRun(await readJournal(folder))
    if (run !== null) runs.push(run)
  }
  return runs.sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))
}

/** Null for one that was killed before its first note, and for one that only waits to be removed. */
function interruptedRun(state: RunState): InterruptedRun | null {
  const start = factOf({ state }, 'start')
  if (start === null || start.destinations.every((name) => state.upload(name).stored !== null)) return null
  return {
    runId: start.runId,
    archive: start.name,
    startedAt: isoLocal(new Date(start.startedAt)),
    archiveBytes: state.made.bytes,
    whole: state.whole !== null,
    destinations: start.destinations.map((name) => {
      const { stored, held, error } = state.upload(name)
      const status = stored !== null ? 'completed' : error === null ? 'interrupted' : 'failed'
      return { name, status, heldBytes: held, error }
    }),
  }
}
