/** What goes from a destination's folder and what stays, by its listing alone. Deletes nothing. */
import type { StoredObject } from '../../pipeline/contract/destination.ts'
import { timeInName } from '../find/archive-names.ts'

export type Listed = StoredObject & { readonly name: string }

export interface RetentionRules {
  readonly days: number
  readonly keepAtLeast: number
  /** Of the names of our archives. */
  readonly prefix: string
  /** When an archive was begun, ms since 1970, where record or manifest know it; else its name tells. */
  readonly begun: ReadonlyMap<string, number>
  readonly now: Date
  /** How old an archive is that was begun at this time, both in ms; below 0: it lies ahead of now. */
  readonly ageOf: (begun: number) => number
  /** The archive whose being stored there lets older ones go. */
  readonly stored: string
  /** Whether an archive of this name and size is known to be damaged or not whole. */
  readonly isBad: (name: string, bytes: number) => Promise<boolean>
}

export interface Decision {
  /** Oldest first, so that it is safe to be stopped in between. */
  readonly goes: readonly Listed[]
  /** Archives that stay; other files are none of ours and are not named. */
  readonly stays: readonly { readonly name: string; readonly reason: string }[]
  /** Why nothing goes although something is old enough, in a sentence; null when that is not so. */
  readonly refused: string | null
  /** Archives that stay only because the clock may have jumped. */
  readonly heldBack: readonly string[]
}

interface Archive {
  readonly name: string
  /** ms since 1970. */
  readonly begun: number
  /** Whether record or manifest say so, not the name alone. */
  readonly sure: boolean
  /** More than one where the service allows the same name twice. */
  readonly objects: readonly Listed[]
}

const DAY_MS = 24 * 3_600_000
const HOUR_MS = 3_600_000
/** An end of central directory record, the smallest ZIP (APPNOTE.TXT 4.3.16). */
const SMALLEST_ZIP_BYTES = 22

export async function decide(listing: Iterable<Listed>, rules: RetentionRules): Promise<Decision> {
  const archives = archivesIn(listing, rules)
  const kept = await reasonsToStay(archives, rules)
  const old = archives.filter(({ name }) => !kept.has(name))
  const refused = old.length === 0 ? null : whyNot(archives, kept, rules)
  const stays = (refused === null ? archives.filter(({ name }) => kept.has(name)) : archives).map(({ name }) => ({
    name,
    reason: kept.get(name)?.reason ?? 'nothing is deleted now',
  }))
  const goes = refused === null ? old.toReversed().flatMap(({ objects }) => objects) : []
  const heldBack = archives.filter(({ name }) => kept.get(name)?.heldBack === true).map(({ name }) => name)
  return { goes, stays, refused, heldBack }
}

/** Newest first. */
function archivesIn(listing: Iterable<Listed>, { prefix, begun }: RetentionRules): Archive[] {
  const byName = new Map<string, Listed[]>()
  for (const object of listing) byName.set(object.name, [...(byName.get(object.name) ?? []), object])
  const archives = [...byName].flatMap(([name, objects]) => {
    const named = timeInName(name, prefix)
    if (named === null) return []
    const known = begun.get(name)
    return [{ name, begun: known ?? named.getTime(), sure: known !== undefined, objects }]
  })
  return archives.sort((a, b) => b.begun - a.begun || (a.name < b.name ? -1 : 1))
}

interface Kept {
  readonly reason: string
  readonly good: boolean
  /** Old by the clock, and not by the time that was observed. */
  readonly heldBack?: true
}

async function reasonsToStay(archives: readonly Archive[], rules: RetentionRules): Promise<Map<string, Kept>> {
  const { days, keepAtLeast, now, ageOf, stored, isBad } = rules
  const kept = new Map<string, Kept>()
  let good = 0
  for (const [index, { name, begun, sure, objects }] of archives.entries()) {
    const byClock = now.getTime() - begun
    const young = Math.min(byClock, ageOf(begun)) <= days * DAY_MS
    // It was begun by a wrong clock: how new it is, is not known.
    const ahead = byClock < (sure ? -HOUR_MS : -DAY_MS)
    const wanted = good < keepAtLeast && !ahead
    const bad = wanted && (await isUnusable(name, objects, isBad))
    if (wanted && !bad) good += 1
    if (name === stored) kept.set(name, { reason: 'the newest stored', good: !bad })
    else if (wanted && !bad) kept.set(name, { reason: `one of the newest ${keepAtLeast}`, good: true })
    else if (ahead) kept.set(name, { reason: 'started in the future by a wrong clock', good: false })
    else if (young && byClock > days * DAY_MS) {
      kept.set(name, { reason: 'the clock jumped, so its age is not known', good: !bad, heldBack: true })
    } else if (young) kept.set(name, { reason: `not ${days} ${days === 1 ? 'day' : 'days'} old yet`, good: !bad })
    else if (index === 0) kept.set(name, { reason: 'the newest', good: !bad })
  }
  return kept
}

async function isUnusable(name: string, objects: readonly Listed[], isBad: RetentionRules['isBad']): Promise<boolean> {
  for (const { bytes } of objects) {
    if (bytes >= SMALLEST_ZIP_BYTES && !(await isBad(name, bytes))) return false
  }
  return true
}

function whyNot(
  archives: readonly Archive[],
  kept: ReadonlyMap<string, Kept>,
  { stored }: RetentionRules,
): string | null {
  if (!archives.some(({ name }) => name === stored)) {
    return `Its listing does not show ${stored}, which was stored there; nothing was deleted.`
  }
  if (![...kept.values()].some(({ good }) => good)) {
    return 'No archive there is known to be good; nothing was deleted.'
  }
  return null
}
