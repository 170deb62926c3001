/** Retention at one destination: asks what is there, decides, deletes. */
import type { Destination } from '../../pipeline/contract/destination.ts'
import { abortError, asBackupError } from '../../pipeline/contract/errors.ts'
import { report } from '../contract/report.ts'
import type { RunLog } from '../contract/run-log.ts'
import type { State } from '../state/state.ts'
import type { Config } from '../config/types.ts'
import { timeInName } from '../find/archive-names.ts'
import { begunByRecord } from '../find/by-age.ts'
import { timeAt } from '../find/manifest-time.ts'
import { intervalMs } from '../contract/grid.ts'
import type { ClockAnswer } from './clock-fault.ts'
import { decide, type Listed, type RetentionRules } from './decide.ts'
import { observedTime, type ObservedTime } from './observed-time.ts'

const DAY_MS = 24 * 3_600_000
/** Two zones' local times are a day and this apart at the most. ms. */
const ZONE_HOURS_MS = 2 * 3_600_000

/** How far the clock is trusted. */
export interface Pace {
  /** Whether a cloud service has the same time: then ages are those by the clock. */
  readonly clockConfirmed: boolean
  /** Between two runs of the schedule, ms; null when it is off. */
  readonly intervalMs: number | null
}

export function paceOf({ schedule }: Config, { confirmed }: ClockAnswer): Pace {
  return { clockConfirmed: confirmed, intervalMs: schedule.enabled ? intervalMs(schedule.every) : null }
}

export interface PruneOptions {
  /** The archive whose being stored there lets older ones go; null: the newest of those there. */
  readonly stored: string | null
  readonly rules: Pick<RetentionRules, 'days' | 'keepAtLeast' | 'prefix' | 'now'> & Pace
  readonly state: State
  /** Only say what would go. */
  readonly dryRun: boolean
  readonly log: RunLog
  readonly signal: AbortSignal
}

export interface Pruned {
  /** Names of archives, oldest first. */
  readonly deleted: readonly string[]
  readonly kept: readonly { readonly name: string; readonly reason: string }[]
  /** Why nothing went although something is old enough; null when that is not so. */
  readonly refused: string | null
  /** What could not be asked or deleted, each in a sentence. */
  readonly failures: readonly string[]
}

/** Resolves however it went; rejects only when the signal aborts. Deletes the oldest first. */
export async function pruneDestination(destination: Destination, options: PruneOptions): Promise<Pruned> {
  const { signal } = options
  try {
    const listing: Listed[] = []
    for await (const object of destination.list(signal)) listing.push(object)
    return await act(destination, listing, options)
  } catch (error) {
    if (signal.aborted) throw abortError(signal)
    return { deleted: [], kept: [], refused: null, failures: [report(asBackupError(error)).message] }
  }
}

async function act(destination: Destination, listing: readonly Listed[], options: PruneOptions): Promise<Pruned> {
  const { rules, state, dryRun } = options
  const bad = new Set(await state.badArchives(destination.name))
  const isBad = async (name: string, bytes: number): Promise<boolean> => {
    if (bad.has(name)) return true
    const sent = await state.sentArchive(name)
    return sent !== null && sent.bytes !== bytes
  }
  const periods = await state.periods()
  const begun = begunByRecord(periods, rules.now)
  await readTimes(destination, listing, begun, { ...options, isBad })
  const starts = [...begun.values(), ...periods.map(({ startedAt }) => Date.parse(startedAt))]
  const named = listing.flatMap(({ name }) => timeInName(name, rules.prefix)?.getTime() ?? [])
  const observed = observedTime([...starts, ...named], rules)
  const ageOf = rules.clockConfirmed ? byClock(rules.now) : observed.ageOf
  const newest = options.stored ?? newestOf(await decide(listing, { ...rules, begun, ageOf, stored: '', isBad }))
  if (newest === null) return { deleted: [], kept: [], refused: null, failures: [] }
  const decision = await decide(listing, { ...rules, begun, ageOf, stored: newest, isBad })
  const { goes, stays, heldBack } = decision
  const isOld = goes.length + heldBack.length > 0
  const unproved = options.stored === null && isOld ? await whyNotProved(newest, destination, options) : null
  const jumped = goes.length === 0 && heldBack.length > 0 ? jumpText(observed, rules.now) : null
  const refused = decision.refused ?? unproved ?? jumped
  if (refused !== null) {
    const kept = [...stays, ...goes.map(({ name }) => ({ name, reason: 'nothing is deleted now' }))]
    return { deleted: [], kept, refused, failures: [] }
  }
  const deleted = new Set<string>()
  const failures: string[] = []
  for (const object of goes) {
    const failure = dryRun ? null : await removed(object, destination, options)
    if (failure === null) deleted.add(object.name)
    else failures.push(failure)
  }
  return { deleted: [...deleted], kept: stays, refused: null, failures }
}

const byClock =
  (now: Date) =>
  (begun: number): number =>
    now.getTime() - begun

/** Null when it was so long ago that it is known. */
function jumpText({ jump }: ObservedTime, now: Date): string | null {
  if (jump === null || now.getTime() - jump.to > DAY_MS) return null
  const days = Math.max(1, Math.round(jump.ms / DAY_MS))
  return `This machine's clock moved ${days} ${days === 1 ? 'day' : 'days'} further between two runs than usual, and no cloud service confirms it; nothing was deleted. Set the clock if it is wrong. If it is right, nothing is to be done: archives are deleted some days later.`
}

/**
 * Reads from their manifests when archives were begun that the record does not know, where it matters: of those that are
 * hardly old enough to go, since a name's local time may be a day off, and of the newest, since they push others out.
 * Those without a manifest that can be read keep the time in their names.
 */
async function readTimes(
  destination: Destination,
  listing: readonly Listed[],
  begun: Map<string, number>,
  { rules, stored, isBad, signal }: PruneOptions & Pick<RetentionRules, 'isBad'>,
): Promise<void> {
  const { days, keepAtLeast, now, prefix } = rules
  const asked = new Set<string>()
  const isHardlyOld = ({ name }: Listed): boolean =>
    now.getTime() - (timeInName(name, prefix)?.getTime() ?? 0) < (days + 1) * DAY_MS + ZONE_HOURS_MS
  for (;;) {
    const all = { ...rules, begun, ageOf: byClock(now), stored: stored ?? '', isBad }
    const { goes, stays } = await decide(listing, all)
    const matter = [...stays.slice(0, keepAtLeast + 1), ...goes.filter(isHardlyOld)].map(({ name }) => name)
    const wanted = new Set(matter.filter((name) => !begun.has(name) && !asked.has(name)))
    if (wanted.size === 0) return
    for (const object of listing) {
      if (!wanted.delete(object.name)) continue
      asked.add(object.name)
      const at = await timeAt({ destination, stored: object }, object.name, signal).catch((error: unknown) => {
        if (asBackupError(error, signal).code === 'E_INTEGRITY') return null
        throw error
      })
      if (at !== null) begun.set(object.name, at)
    }
  }
}

/** Null when it is gone; else why it is not. */
async function removed(
  object: Listed,
  destination: Destination,
  { log, signal }: PruneOptions,
): Promise<string | null> {
  if (signal.aborted) throw abortError(signal)
  try {
    await destination.remove(object, signal)
    log.info({ destination: destination.name, archive: object.name }, 'archive deleted: past retention')
    return null
  } catch (error) {
    const known = asBackupError(error, signal)
    if (known.code === 'E_ABORTED') throw known
    return `${object.name} could not be deleted. ${report(known).message}`
  }
}

const newestOf = ({ stays, goes }: Awaited<ReturnType<typeof decide>>): string | null =>
  stays[0]?.name ?? goes.at(-1)?.name ?? null

/** Without a run that has just stored one, the newest there has to be a good backup of late. */
async function whyNotProved(newest: string, { name }: Destination, options: PruneOptions): Promise<string | null> {
  const { state, rules } = options
  const sent = await state.sentArchive(newest)
  if (sent?.destinations.includes(name) !== true) {
    return `The newest archive there, ${newest}, is not recorded as stored there by this program; nothing was deleted. The next run that stores one deletes what is old.`
  }
  if (!sent.sane) {
    return `The run of the newest archive there, ${newest}, found that its sources had shrunk; nothing was deleted.`
  }
  const begun = await state.lastStoredAt(rules.now, name)
  const age = begun === null ? Infinity : rules.now.getTime() - Date.parse(begun)
  if (age <= rules.days * 24 * 3_600_000) return null
  return `The newest archive there is older than ${rules.days} days itself; nothing was deleted until there is a new one.`
}
