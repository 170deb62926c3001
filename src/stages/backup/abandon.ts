import { asBackupError } from '../../pipeline/contract/errors.ts'
import { withRetry } from '../../pipeline/send/retry.ts'
import type { RunState } from '../../pipeline/journal/run-record.ts'
import type { Config } from '../config/types.ts'
import { openDestination } from '../destinations/open.ts'
import type { RunLog } from '../contract/run-log.ts'

/** Giving up is a courtesy: what cannot be cancelled in this time ends by itself. ms. */
const ABANDON_MS = 20_000

/** Cancels what a run has begun at the destinations and not stored: sessions, partial files. Never rejects. */
export async function abandon(state: RunState, config: Config, log: RunLog): Promise<void> {
  const signal = AbortSignal.timeout(ABANDON_MS)
  await Promise.all(
    config.destinations.map(async (one) => {
      const { token, stored } = state.upload(one.name)
      if (token === null || stored !== null) return
      const destination = withRetry(openDestination(one, config.endpoints), { stop: signal })
      try {
        await destination.cancel(token, signal)
      } catch (error) {
        const { code } = asBackupError(error)
        if (code !== 'E_SESSION') log.info({ destination: one.name, code }, 'an upload could not be cancelled')
      } finally {
        await destination.close()
      }
    }),
  )
}
