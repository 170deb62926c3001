/** Whether stored archives are still what was sent, and can be read. */
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { VerifyCheck, VerifyResult } from '../contract/results.ts'
import type { Config } from '../config/types.ts'
import { agesIn, aheadText, askAll, copiesOf, findArchive, type AgeQuestion } from '../find/find-archive.ts'
import type { Copy, Listings } from '../find/found.ts'
import { closeAll, openToRead } from '../find/open-to-read.ts'
import { orLost, recordedTimes, sentBy } from '../find/recorded.ts'
import { ActivityReporter } from '../find/activity.ts'
import { absentFrom } from './absent.ts'
import { couldNot, failed, orStop, unchecked } from './finding.ts'
import { lookInto } from './look-into.ts'
import { againstOthers, againstSent, methodAt, see, UNKNOWN, type Seen } from './quick.ts'
import { record } from './record.ts'
import type { Finding, Found, Method, VerifyOptions } from './types.ts'

export type { VerifyOptions } from './types.ts'

/**
 * Checks an archive at each destination that should have it, and records what came of it. Rejects only when nothing could
 * be checked at all: with E_DESTINATION when the archive is nowhere, E_CONFIG for a destination or database that is not
 * configured, E_ABORTED.
 */
export async function verifyArchive(config: Config, options: VerifyOptions): Promise<VerifyResult> {
  // A backup, which comes by here for its own check, has no use for what loads a dump.
  const restoreTest = options.restoreTest ? (await import('./restore-test.ts')).restoreTest(config) : null
  const destinations = openToRead(config, options)
  try {
    new ActivityReporter(options.onWork, null).begin('asking', null)
    const listings = await askAll(destinations, options.signal, sentBy(options.state, options.log))
    const { name, sent } = await whichArchive(config, options, listings)
    const copies = copiesOf(name, listings)
    const found = { name, sent, copies }
    const absent = absentFrom(listings, found, options)
    const checks: VerifyCheck[] = []
    if (options.deep) {
      checks.push(
        ...(await each(
          copies,
          () => 'deep',
          (copy) => readThrough(copy, found, options),
        )),
        ...absent('deep'),
      )
    }
    if (restoreTest !== null) checks.push(await restoreTest(copies, options))
    if (!options.deep && restoreTest === null) checks.push(...(await quick(found, options)), ...absent(null))
    const order = config.destinations.map((one) => one.name)
    const result = {
      archive: name,
      ok: checks.length > 0 && checks.every(({ ok }) => ok),
      checks: checks.toSorted((a, b) => order.indexOf(a.destination) - order.indexOf(b.destination)),
    }
    await record(result, options)
    return result
  } finally {
    await closeAll(destinations)
  }
}

/** The one asked for; else the newest, be it that only the record still knows it. */
async function whichArchive(
  config: Config,
  options: VerifyOptions,
  listings: Listings,
): Promise<Pick<Found, 'name' | 'sent'>> {
  const now = new Date()
  const recorded = await recordedTimes(options.state, now, options.log)
  const question = { prefix: config.archive.prefix, recorded, now, signal: options.signal }
  const name = options.archive ?? (await newestOf(listings, question, options))
  const sent = name === null ? null : await sentBy(options.state, options.log)(name)
  // Of an archive that was stored, each destination that lost it is to be reported.
  if (name !== null && sent !== null) return { name, sent }
  return { name: (await findArchive(listings, { name, ...question })).name, sent: null }
}

async function newestOf(
  listings: Listings,
  question: AgeQuestion,
  { state, log }: VerifyOptions,
): Promise<string | null> {
  const more = await orLost(async () => (await state?.archives()) ?? [], [], log)
  const { newest, ahead } = await agesIn(listings, { ...question, reading: 'newest', more })
  const [first = null] = newest
  const text =
    first === null
      ? null
      : aheadText(
          ahead.filter((name) => name !== first),
          first,
        )
  if (text !== null) log.warn({}, text)
  return first
}

/** One copy after the other: each may keep the disk or the line busy. */
async function each(
  copies: readonly Copy[],
  methodOf: (copy: Copy) => Method,
  look: (copy: Copy) => Promise<Finding>,
): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = []
  for (const copy of copies) {
    const finding = await look(copy)
    checks.push({ destination: copy.destination.name, method: methodOf(copy), ...finding, ...ofOthers(copy) })
  }
  return checks
}

/** An object of the same name that is not the copy checked. */
function ofOthers({ destination, others = 0 }: Copy): Pick<VerifyCheck, 'warnings'> {
  if (others === 0) return {}
  const more = others === 1 ? '1 more object' : `${others} more objects`
  const message = `${destination.name} has ${more} of this name, not checked. Check which one is damaged before you delete any.`
  return { warnings: [{ code: 'same-name', message }] }
}

async function quick(found: Found, options: VerifyOptions): Promise<VerifyCheck[]> {
  const seen = new Map<Copy, Seen | BackupError>()
  for (const copy of found.copies) seen.set(copy, await see(copy, found, options).catch(orStop(options)))
  const all = [...seen.values()].filter((one): one is Seen => !(one instanceof BackupError))
  return await each(found.copies, methodAt, async (copy) => {
    const one = seen.get(copy)
    if (one === undefined) return unchecked('it was not checked')
    if (one instanceof BackupError) return couldNot(copy.destination.name, one)
    const others = all.filter((other) => other !== one)
    return againstSent(one, found.sent) ?? againstOthers(one, others) ?? (await byItself(copy, found, options))
  })
}

/** Nothing is there to compare with: whether it is whole can be told, what is in its entries cannot. */
async function byItself(copy: Copy, found: Found, options: VerifyOptions): Promise<Finding> {
  const looked = await lookInto(copy, found, false, options)
  if (!looked.ok) return looked
  const size = found.sent === null ? '' : 'its size matches what was sent; '
  return unchecked(
    `${size}${looked.detail}. Its content was not checked: ${UNKNOWN}, and there is no other copy to compare it with. --deep reads it.`,
  )
}

async function readThrough(copy: Copy, found: Found, options: VerifyOptions): Promise<Finding> {
  const { sent } = found
  if (sent !== null && copy.stored.bytes !== sent.bytes) {
    return failed(`it has ${copy.stored.bytes} bytes, but ${sent.bytes} were sent`)
  }
  return await lookInto(copy, found, true, options)
}
