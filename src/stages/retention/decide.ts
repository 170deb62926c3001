/** What goes from a destination's folder and what stays, by its listing alone. Deletes nothing. */
import type { StoredObject } from '../../pipeline/destination.ts'
import { timeInName } from '../find/archive-names.ts'

export type Listed = StoredObject & { readonly name: string }

export interface RetentionRules {
  readonly days: number
  readonly keepAtLeast: number
  /** Of the names of our archives. */
  readonly prefix: string
  readonly now: Date
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
}

interface Archive {
  readonly name: string
  readonly begun: Date
  /** More than one where the service allows the same name twice. */
  readonly objects: readonly Listed[]
}

const DAY_MS = 24 * 3_600_000
/** An end of central directory record, the smallest ZIP (APPNOTE.TXT 4.3.16). */
const SMALLEST_ZIP_BYTES = 22

export async function decide(listing: Iterable<Listed>, rules: RetentionRules): Promise<Decision> {
  const archives = archivesIn(listing, rules.prefix)
  const kept = await reasonsToStay(archives, rules)
  const old = archives.filter(({ name }) => !kept.has(name))
  const refused = old.length === 0 ? null : whyNot(archives, kept, rules)
  const stays = (refused === null ? archives.filter(({ name }) => kept.has(name)) : archives).map(({ name }) => ({
    name,
    reason: kept.get(name)?.reason ?? 'nothing is deleted now',
  }))
  const goes = refused === null ? old.toReversed().flatMap(({ objects }) => objects) : []
  return { goes, stays, refused }
}

/** Newest first. */
function archivesIn(listing: Iterable<Listed>, prefix: string): Archive[] {
  const byName = new Map<string, Listed[]>()
  for (const object of listing) byName.set(object.name, [...(byName.get(object.name) ?? []), object])
  const archives = [...byName].flatMap(([name, objects]) => {
    const begun = begunAt(name, prefix)
    return begun === null ? [] : [{ name, begun, objects }]
  })
  return archives.sort((a, b) => b.begun.getTime() - a.begun.getTime() || (a.name < b.name ? -1 : 1))
}

/** Null when it is no name that we, or the viewer's PHP script, would have given. */
function begunAt(name: string, prefix: string): Date | null {
  const parts = timeInName(name, prefix)?.split(/[- ]/).map(Number) ?? []
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  const isTime = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 60
  return parts.length === 6 && isTime ? new Date(year, month - 1, day, hour, minute, second) : null
}

interface Kept {
  readonly reason: string
  readonly good: boolean
}

async function reasonsToStay(archives: readonly Archive[], rules: RetentionRules): Promise<Map<string, Kept>> {
  const { days, keepAtLeast, now, stored, isBad } = rules
  const kept = new Map<string, Kept>()
  let good = 0
  for (const [index, { name, begun, objects }] of archives.entries()) {
    const age = now.getTime() - begun.getTime()
    const young = age <= days * DAY_MS
    // A name from the future was given by a wrong clock: how new it is, is not known.
    const ahead = age < -DAY_MS
    const wanted = good < keepAtLeast && !ahead
    const bad = wanted && (await isUnusable(name, objects, isBad))
    if (wanted && !bad) good += 1
    if (name === stored) kept.set(name, { reason: 'the newest stored', good: !bad })
    else if (wanted && !bad) kept.set(name, { reason: `one of the newest ${keepAtLeast}`, good: true })
    else if (ahead) kept.set(name, { reason: 'its name is from the future', good: false })
    else if (young) kept.set(name, { reason: `not ${days} ${days === 1 ? 'day' : 'days'} old yet`, good: !bad })
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
