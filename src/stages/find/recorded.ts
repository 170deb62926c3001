import type { RunLog } from '../contract/run-log.ts'
import type { SentArchive } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import { begunByRecord } from './by-age.ts'

/** When the archives of the record were begun, ms since 1970; empty where the record is lost. */
export async function recordedTimes(state: State | null, now: Date, log: RunLog): Promise<ReadonlyMap<string, number>> {
  return begunByRecord(await orLost(async () => (await state?.periods()) ?? [], [], log), now)
}

/** What `ask` reads from the record. A record that cannot be read is one that is lost. */
export async function orLost<T>(ask: () => Promise<T>, lost: T, log: RunLog): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    log.warn({ err: error }, 'the record of runs cannot be read')
    return lost
  }
}

/** What the record knows of an archive by its name; null where it is lost. */
export function sentBy(state: State | null, log: RunLog): (name: string) => Promise<SentArchive | null> {
  return (name) => orLost(async () => (await state?.sentArchive(name)) ?? null, null, log)
}
