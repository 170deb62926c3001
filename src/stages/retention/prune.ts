/** Retention at one destination: asks what is there, decides, deletes. */
import type { Destination } from '../../pipeline/destination.ts'
import { abortError, asBackupError } from '../../pipeline/errors.ts'
import { report } from '../backup/run-result.ts'
import type { RunLog } from '../backup/run-options.ts'
import type { State } from '../state/state.ts'
import { decide, type Listed, type RetentionRules } from './decide.ts'

export interface PruneOptions {
  /** The archive whose being stored there lets older ones go; null: the newest of those there. */
  readonly stored: string | null
  readonly rules: Pick<RetentionRules, 'days' | 'keepAtLeast' | 'prefix' | 'now'>
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
  const newest = options.stored ?? newestOf(await decide(listing, { ...rules, stored: '', isBad }))
  if (newest === null) return { deleted: [], kept: [], refused: null, failures: [] }
  const { goes, stays, refused } = await decide(listing, { ...rules, stored: newest, isBad })
  const unproved = options.stored === null && goes.length > 0 ? await whyNotProved(newest, destination, options) : null
  if (refused !== null || unproved !== null) {
    const kept = [...stays, ...goes.map(({ name }) => ({ name, reason: 'nothing is deleted now' }))]
    return { deleted: [], kept, refused: refused ?? unproved, failures: [] }
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
    return `The run of the newest archive there, ${newest}, found its sources shrunk; nothing was deleted.`
  }
  const begun = await state.lastStoredAt(rules.now, name)
  const age = begun === null ? Infinity : rules.now.getTime() - Date.parse(begun)
  if (age <= rules.days * 24 * 3_600_000) return null
  return `The newest archive there is older than ${rules.days} days itself; nothing was deleted until there is a new one.`
}
