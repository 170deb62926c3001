import type { LoadedConfig } from '../config/load.ts'
import { openStateToRead } from '../state/open-state.ts'
import type { State } from '../state/state.ts'

/** What earlier backups took, in bytes. */
export interface LastBackup {
  /** The archive that was made last; null when none is known. */
  readonly archive: { readonly name: string; readonly bytes: number } | null
  /** Of the last good run; 0 when none is known. */
  readonly dumpBytes: number
}

/** So many runs are searched for the last one that made its archive to the end. */
const RUNS = 100

/**
 * From the state, which is only read. Never rejects: a state that cannot be read is another check's finding, and nothing
 * is known then.
 */
export async function lastBackup(config: LoadedConfig): Promise<LastBackup> {
  let state: State | null = null
  try {
    state = await openStateToRead(config)
    const runs = (await state?.history(RUNS)) ?? []
    const [archive = null] = runs.flatMap(({ archive: name, bytes }) =>
      name === null || bytes === null ? [] : [{ name, bytes }],
    )
    return { archive, dumpBytes: (await state?.lastGood())?.dumpBytes ?? 0 }
  } catch {
    return { archive: null, dumpBytes: 0 }
  } finally {
    await state?.close()
  }
}
