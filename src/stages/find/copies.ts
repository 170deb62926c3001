/** Whether the backups that were stored are still there, by a listing of each destination. */
import { asBackupError } from '../../pipeline/contract/errors.ts'
import { isoLocal } from '../contract/time.ts'
import type { CopiesAt } from '../contract/results.ts'
import type { RunLog } from '../contract/run-log.ts'
import { report } from '../contract/report.ts'
import type { Config } from '../config/types.ts'
import { askAll } from './find-archive.ts'
import { closeAll, openToRead, type OpenOptions } from './open-to-read.ts'
import type { PastRun } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import { keepListed, readListed, type Listed } from './listed.ts'

const DAY_MS = 24 * 3_600_000
/** An hourly call a few minutes early is a day later, too. */
const EARLY_MS = 3_600_000
/** All runs that a person will ever have. */
const ALL_RUNS = 1_000_000

interface StoredCopy {
  readonly name: string
  readonly bytes: number | null
  readonly startedAt: string
  readonly finishedAt: string
}

export interface CheckOptions {
  readonly log: RunLog
  readonly signal: AbortSignal
  /** What is gone now is no longer missed. */
  readonly accept?: boolean
  readonly now?: Date
  readonly open?: OpenOptions['open']
}

/**
 * Lists each destination and compares it with the record of runs. What retention may have deleted is not missed, nor is
 * what an earlier listing had not found and a person accepted. The result is kept for `status`. Rejects with E_ABORTED, and
 * with E_STATE when the record cannot be read or the result not be kept.
 */
export async function checkCopies(config: Config, state: State, options: CheckOptions): Promise<CopiesAt[]> {
  const { log, signal, accept = false, now = new Date(), open } = options
  const destinations = openToRead(config, { from: null, log, signal, ...(open === undefined ? {} : { open }) })
  try {
    const runs = await state.history(ALL_RUNS)
    const earlier = await readListed(config.state.dir)
    const { all, passedOver } = await askAll(destinations, signal, (name) => state.sentArchive(name))
    const checkedAt = isoLocal(now)
    const listed = config.destinations.flatMap(({ name }): Listed[] => {
      const before = earlier.find(({ destination }) => destination === name) ?? null
      const listing = all.find(({ destination }) => destination.name === name)
      if (listing === undefined) {
        const error = passedOver.find(({ destination }) => destination.name === name)?.error
        if (error === undefined) return []
        const known = { gone: before?.gone ?? [], present: before?.present ?? [] }
        return [{ destination: name, checkedAt, error: report(asBackupError(error)), ...known }]
      }
      const sizes = new Map([...listing.objects].map(([object, { bytes }]) => [object, bytes]))
      const owed = owedAt(name, runs, config.retention, now)
      const gone = accept ? [] : goneFrom(owed, sizes, before)
      const present = owed.filter((copy) => isThere(copy, sizes)).map((copy) => copy.name)
      return [{ destination: name, checkedAt, gone, error: null, present }]
    })
    await keepListed(config.state.dir, listed)
    return listed.map(({ present: _, ...one }) => one)
  } finally {
    await closeAll(destinations)
  }
}

/** After a run of the schedule: lists each destination once a day. Never rejects. */
export async function checkCopiesDaily(config: Config, state: State, options: CheckOptions): Promise<void> {
  const { log, signal, now = new Date() } = options
  if (signal.aborted) return
  try {
    const last = Math.max(0, ...(await readListed(config.state.dir)).map(({ checkedAt }) => Date.parse(checkedAt)))
    if (last <= now.getTime() && now.getTime() - last < DAY_MS - EARLY_MS) return
    for (const { destination, gone, error } of await checkCopies(config, state, options)) {
      if (error !== null) log.warn({ destination, error }, 'the backups there could not be listed')
      else if (gone.length > 0)
        log.warn({ destination, gone }, 'backups that were stored there are gone or have another size')
    }
  } catch (error) {
    log.warn({ err: asBackupError(error, signal) }, 'whether the stored backups are still there could not be checked')
  }
}

/** The copies that must still be at a destination: of all that were stored, those that retention may not have deleted. */
export function owedAt(
  destination: string,
  runs: readonly Pick<PastRun, 'archive' | 'bytes' | 'startedAt' | 'finishedAt' | 'destinations'>[],
  retention: Config['retention'],
  now: Date,
): StoredCopy[] {
  const stored = runs.flatMap(({ archive, bytes, startedAt, finishedAt, destinations }): StoredCopy[] => {
    const isHere = destinations.some(({ name, status }) => name === destination && status === 'completed')
    return archive !== null && isHere ? [{ name: archive, bytes, startedAt, finishedAt: finishedAt ?? startedAt }] : []
  })
  if (retention === null) return stored
  const newest = stored.toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))[0]
  const since = now.getTime() - retention.days * DAY_MS
  return stored.filter((copy) => copy === newest || Date.parse(copy.startedAt) > since)
}

/** Names of those that are not there, or have another size. One that was missed neither then nor now is not missed. */
export function goneFrom(
  owed: readonly StoredCopy[],
  sizes: ReadonlyMap<string, number>,
  before: Pick<Listed, 'present' | 'gone' | 'checkedAt'> | null,
): string[] {
  const isExpected = ({ name, finishedAt }: StoredCopy): boolean =>
    before === null ||
    before.present.includes(name) ||
    before.gone.includes(name) ||
    Date.parse(finishedAt) >= Date.parse(before.checkedAt)
  return [...new Set(owed.filter((copy) => isExpected(copy) && !isThere(copy, sizes)).map(({ name }) => name))]
}

function isThere({ name, bytes }: StoredCopy, sizes: ReadonlyMap<string, number>): boolean {
  const found = sizes.get(name)
  return found !== undefined && (bytes === null || found === bytes)
}
