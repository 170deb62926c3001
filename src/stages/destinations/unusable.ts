import type { Destination } from '../../pipeline/destination.ts'
import { BackupError } from '../../pipeline/errors.ts'
import type { DestinationConfig } from '../config/types.ts'

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
    traits: { requestMultiple: 1, maxObjectBytes: null, digest: 'md5', requestBytes: () => 1024 * 1024 },
    signIn: refuse,
    probe: refuse,
    place: refuse,
    begin: refuse,
    resume: refuse,
    stat: refuse,
    list: nothing,
    read: nothing,
    remove: refuse,
    close: () => Promise.resolve(),
  }
}
