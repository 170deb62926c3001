import type { Destination } from '../../pipeline/destination.ts'
import type { DigestName } from '../../pipeline/digests.ts'
import { BackupError } from '../../pipeline/errors.ts'
import type { DestinationConfig } from '../config/types.ts'

/** The digest by which destinations of this type prove themselves. */
export const digestAt = (type: string): DigestName => (type === 'google-drive' ? 'md5' : 'contentHash')

/** A destination of which it is known that nothing can be stored there: it says so at every call, and harms no other. */
export function unusableDestination({ name, type, fault }: DestinationConfig): Destination {
  const error = (): BackupError =>
    new BackupError(fault?.code ?? 'E_CONFIG', fault?.message ?? `${name}: unknown type of destination.`, {
      advice: fault?.advice ?? '',
    })
  const refuse = (): Promise<never> => Promise.reject(error())
  async function* nothing(): AsyncGenerator<never> {
    await refuse()
    yield* []
  }
  return {
    name,
    type,
    traits: { maxObjectBytes: null, digest: digestAt(type) },
    signIn: refuse,
    probe: refuse,
    place: refuse,
    begin: refuse,
    resume: refuse,
    cancel: refuse,
    stat: refuse,
    list: nothing,
    read: nothing,
    remove: refuse,
    close: () => Promise.resolve(),
  }
}
