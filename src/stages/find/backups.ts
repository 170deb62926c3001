/** What lies where: the backups at the destinations, with what the record knows of them. */
import { isoLocal } from '../contract/time.ts'
import type { ArchivesResult } from '../contract/results.ts'
import { report } from '../contract/report.ts'
import type { Config } from '../config/types.ts'
import type { CopyCheck, PastRun } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import { agesIn, askAll, copiesOf, findArchive } from './find-archive.ts'
import type { Copy } from './found.ts'
import { closeAll, openToRead, type OpenOptions } from './open-to-read.ts'
import { orLost, recordedTimes, sentBy } from './recorded.ts'

export interface BackupsOptions extends OpenOptions {
  /** Null when it is lost: then the listings and the manifests tell. */
  readonly state: State | null
}

type Backup = ArchivesResult['backups'][number]

/** More of them are not looked up: five years of hourly backups. */
const MOST_RUNS = 50_000

/** What the record says of one copy. */
interface Known {
  readonly at: string
  readonly ok: boolean
}

/** Asks every destination. Rejects with a destination's own error, or E_DESTINATION, when none could be asked. */
export async function listBackups(config: Config, options: BackupsOptions): Promise<ArchivesResult> {
  const { state, log, signal } = options
  const destinations = openToRead(config, options)
  try {
    const listings = await askAll(destinations, signal, sentBy(state, log))
    const now = new Date()
    const question = {
      prefix: config.archive.prefix,
      recorded: await recordedTimes(state, now, log),
      now,
      signal,
    }
    if (listings.all.length === 0) await findArchive(listings, { name: null, ...question })
    const { newest, ahead, begun } = await agesIn(listings, { ...question, reading: 'all' })
    const names = [...newest, ...ahead.filter((name) => !newest.includes(name))]
    const known = await knownCopies(state, log)
    const backups = names.map((name) => backupOf(name, copiesOf(name, listings), begun.get(name) ?? 0, known))
    return {
      backups,
      ahead,
      unreachable: listings.passedOver.map(({ destination, error }) => ({
        name: destination.name,
        error: report(error),
      })),
    }
  } finally {
    await closeAll(destinations)
  }
}

function backupOf(
  name: string,
  copies: readonly Copy[],
  begun: number,
  { runs, checks }: Awaited<ReturnType<typeof knownCopies>>,
): Backup {
  const run = runs.get(name)
  const sent = run?.bytes ?? null
  return {
    name,
    kind: 'full',
    base: null,
    startedAt: run?.startedAt ?? isoLocal(new Date(begun)),
    bytes: sent ?? Math.max(0, ...copies.map(({ stored }) => stored.bytes)),
    destinations: copies.map(({ destination, stored }) => {
      const found = lastKnown(run, checks.get(`${name}\n${destination.name}`), destination.name)
      // Another size is another file than the one that was verified.
      const isCut = sent !== null && sent !== stored.bytes
      return { name: destination.name, verifiedAt: found?.at ?? null, ok: isCut ? false : (found?.ok ?? null) }
    }),
    pinned: false,
  }
}

/** The run that stored a copy compared its hash; `verify` may have checked it since. */
function lastKnown(run: PastRun | undefined, check: CopyCheck | undefined, destination: string): Known | null {
  const stored = run?.destinations.some((one) => one.name === destination && one.status === 'completed') === true
  const ended = run?.finishedAt ?? null
  const byRun = stored && ended !== null ? { at: ended, ok: true } : null
  if (check === undefined) return byRun
  if (byRun !== null && Date.parse(byRun.at) > Date.parse(check.at)) return byRun
  return { at: check.at, ok: check.ok }
}

async function knownCopies(
  state: State | null,
  log: BackupsOptions['log'],
): Promise<{ readonly runs: ReadonlyMap<string, PastRun>; readonly checks: ReadonlyMap<string, CopyCheck> }> {
  if (state === null) return { runs: new Map(), checks: new Map() }
  const past = await orLost(() => state.history(MOST_RUNS), [], log)
  const runs = new Map<string, PastRun>()
  for (const run of past) {
    if (run.archive !== null && !runs.has(run.archive)) runs.set(run.archive, run)
  }
  const checks = await orLost(() => state.lastChecks(), [], log)
  return { runs, checks: new Map(checks.map((one) => [`${one.archive}\n${one.destination}`, one])) }
}
