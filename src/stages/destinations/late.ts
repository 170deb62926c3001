import type { Destination, DestinationTraits } from '../../pipeline/contract/destination.ts'
import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'

/** What is known of a destination before it is opened. */
export interface Known {
  readonly name: string
  readonly type: string
  readonly traits: DestinationTraits
}

/**
 * A destination that its first call opens. When it cannot be opened, every call rejects with the reason, a BackupError, and
 * no other destination is harmed.
 */
export function lateDestination({ name, type, traits }: Known, open: () => Promise<Destination>): Destination {
  let opening: Promise<Destination> | null = null
  const opened = (): Promise<Destination> =>
    (opening ??= open().catch((error: unknown) => {
      throw asBackupError(error)
    }))
  return {
    name,
    type,
    traits,
    signIn: async (signal) => await (await opened()).signIn(signal),
    probe: async (signal) => {
      await (await opened()).probe(signal)
    },
    place: async (signal) => await (await opened()).place(signal),
    begin: async (object, signal) => await (await opened()).begin(object, signal),
    resume: async (token, acknowledged, signal) => await (await opened()).resume(token, acknowledged, signal),
    cancel: async (token, signal) => {
      await (await opened()).cancel(token, signal)
    },
    stat: async (object, signal) => await (await opened()).stat(object, signal),
    async *list(signal) {
      yield* (await opened()).list(signal)
    },
    async *read(object, range, signal) {
      yield* (await opened()).read(object, range, signal)
    },
    remove: async (object, signal) => {
      await (await opened()).remove(object, signal)
    },
    async close() {
      opening ??= Promise.reject(new BackupError('E_ABORTED', `${name}: the destination was closed.`))
      const one = await opening.catch(() => null)
      await one?.close()
    },
  }
}
