/** The quick look: each destination's own size and hash, held against what was sent, or else against each other. */
import {
  DIGEST_NAMES,
  DIGESTS,
  ObjectDigest,
  type DigestName,
  type ObjectDigests,
} from '../../pipeline/contract/digests.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { VerifyCheck } from '../contract/results.ts'
import { traitsOf } from '../destinations/kinds.ts'
import type { Copy } from '../find/found.ts'
import type { OnWork } from '../find/activity.ts'
import { ActivityReporter } from '../find/activity.ts'
import type { SentArchive } from '../contract/history.ts'
import { failed, unchecked, well } from './finding.ts'
import type { Finding, Found } from './types.ts'

/** What a destination says it holds, or for a folder what was read there. */
export interface Seen {
  readonly copy: Copy
  readonly bytes: number
  readonly digests: ObjectDigests
}

export function methodAt({ destination }: Copy): VerifyCheck['method'] {
  return traitsOf(destination).proof
}

/**
 * Rejects as the destination does. Of a file that is read, one digest is made that is known of what was sent, and those that
 * copies at services have instead.
 */
export async function see(
  copy: Copy,
  { name, sent, copies }: Found,
  { onWork, signal }: { readonly onWork: OnWork; readonly signal: AbortSignal },
): Promise<Seen> {
  const { destination, stored, others = 0 } = copy
  const teller = new ActivityReporter(onWork, destination.name)
  if (methodAt(copy) === 'read-back') {
    teller.begin('hashing', stored.bytes)
    const digest = new ObjectDigest(digestsToMake(destination.traits.digest, copies, sent))
    for await (const chunk of destination.read(stored, { from: 0, to: stored.bytes }, signal)) {
      digest.update(chunk)
      teller.read(chunk.length)
    }
    return { copy, bytes: stored.bytes, digests: digest.digests() }
  }
  teller.begin('asking', null)
  // Of several, `stat` gives the newest, which may be another.
  const now = others > 0 ? stored : await destination.stat(name, signal)
  if (now === null) throw new BackupError('E_DESTINATION', `${destination.name}: ${name} no longer exists.`)
  const digests = now.digest === null ? {} : { [destination.traits.digest]: now.digest }
  return { copy, bytes: now.bytes, digests }
}

function digestsToMake(own: DigestName, copies: readonly Copy[], sent: SentArchive | null): DigestName[] {
  const known = namesOf(sent?.digests ?? {})
  const others = copies.map(({ destination }) => destination.traits.digest).filter((name) => !known.includes(name))
  const first = known.includes(own) ? own : (known[0] ?? own)
  return [...new Set([first, ...others])]
}

/** Holds what is there against what was sent. Null when that is not known: then copies can only be compared. */
export function againstSent({ bytes, digests }: Seen, sent: SentArchive | null): Finding | null {
  if (sent === null) return null
  if (bytes !== sent.bytes) return failed(`it has ${bytes} bytes, but ${sent.bytes} were sent`)
  if (sent.digests === null) return null
  const given = namesOf(digests)
  if (given.length === 0) return unchecked('its size is right; the destination reports no hash')
  const known = sent.digests
  const name = given.find((one) => known[one] !== undefined)
  // A copy that somebody else made: its service has another hash than those that this archive was sent with.
  if (name === undefined) return null
  const { title } = DIGESTS[name]
  if (digests[name] === known[name]) return well(`size and ${title} match what was sent`)
  return failed(`its ${title} does not match what was sent`)
}

/** Holds a copy against the others. Null when there is none to compare it with. */
export function againstOthers(one: Seen, others: readonly Seen[]): Finding | null {
  const same: string[] = []
  const differing: string[] = []
  for (const other of others) {
    const kinds = namesOf(one.digests).filter((kind) => other.digests[kind] !== undefined)
    if (one.bytes !== other.bytes || kinds.some((kind) => one.digests[kind] !== other.digests[kind])) {
      differing.push(other.copy.destination.name)
    } else if (kinds.length > 0) {
      same.push(other.copy.destination.name)
    }
  }
  if (same.length > 0) {
    const unlike = differing.length === 0 ? '' : ', but not as at ' + differing.join(', ')
    return well(`size and hash are the same as at ${same.join(', ')}${unlike}; ${UNKNOWN}`)
  }
  if (differing.length === 0) return null
  return failed(`it is not the same as at ${differing.join(', ')}; ${UNKNOWN}, but --deep finds which is damaged`)
}

/** Why nothing better can be said. */
export const UNKNOWN = 'what was sent is unknown here'

function namesOf(digests: ObjectDigests): DigestName[] {
  return DIGEST_NAMES.filter((name) => digests[name] !== undefined)
}
