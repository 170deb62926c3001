import type { Destination } from '../../pipeline/contract/destination.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { DEFAULT_RETRY } from '../../pipeline/send/backoff.ts'
import { withRetry } from '../../pipeline/send/retry.ts'
import type { RunLog } from '../contract/run-log.ts'
import type { Config } from '../config/types.ts'
import { traitsOf } from '../destinations/kinds.ts'
import { openDestination } from '../destinations/open.ts'

export interface OpenOptions {
  /** The name of the only destination to use; null: all of them. */
  readonly from: string | null
  readonly log: RunLog
  readonly signal: AbortSignal
  /** How a destination is opened; default `openDestination`. */
  readonly open?: typeof openDestination
}

/**
 * How long a destination that does not answer is asked what it has. ms. There are others to ask, and a person waits; a
 * download that has begun is given as long as an upload.
 */
const ASKING_MS = 20_000

/** Shorter pauses are no news to people. */
const TOLD_FROM_MS = 10_000

/**
 * The configured destinations, to find and read archives: those in folders of this machine first, as they are fastest,
 * then the others in the configuration's order. The caller closes them. Throws E_CONFIG when `from` is none of them.
 */
export function openToRead(config: Config, { from, log, signal, open = openDestination }: OpenOptions): Destination[] {
  const known = config.destinations.map(({ name }) => name)
  if (from !== null && !known.includes(from)) {
    throw new BackupError('E_CONFIG', `--from: there is no destination named ${from} in ${config.file}.`, {
      advice: `Its destinations are: ${known.join(', ')}.`,
    })
  }
  const wanted = config.destinations.filter(({ name }) => from === null || name === from)
  const local = wanted.filter((one) => traitsOf(one).isLocal)
  const others = wanted.filter((one) => !traitsOf(one).isLocal)
  return [...local, ...others].map((one) =>
    withRetry(open(one, config.endpoints), {
      policy: { ...DEFAULT_RETRY, openingBudgetMs: ASKING_MS },
      onRetry: (error, pauseMs) => {
        const fields = { destination: one.name, code: error.code, pauseMs: Math.round(pauseMs), err: error }
        if (pauseMs < TOLD_FROM_MS) log.info(fields, 'retrying')
        else log.warn(fields, 'retrying')
      },
      stop: signal,
    }),
  )
}

export async function closeAll(destinations: readonly Destination[]): Promise<void> {
  await Promise.all(destinations.map((destination) => destination.close()))
}
