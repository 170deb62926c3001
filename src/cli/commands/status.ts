import { openLog } from '../../stages/log/log.ts'
import { withPlaceFaults } from '../../stages/destinations/places.ts'
import { checkCopies } from '../../stages/status/copies.ts'
import { readStatus } from '../../stages/status/status.ts'
import type { State } from '../../stages/state/state.ts'
import { statusSummary } from '../display/status-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'
import { withState, withStateToRead, type Workplace } from '../workplace.ts'
import { openPeople } from '../people.ts'

export interface StatusFlags {
  /** Lists the destinations first. */
  readonly check: boolean
  /** With `check`: what is gone now is no longer missed. */
  readonly acceptGone: boolean
}

/**
 * `status`: where the backups stand; exit 3 when anything is to be done. Leaves nothing behind, not even a log; with
 * `--check` the result of the listing is kept.
 */
export async function status(configFile: string, flags: StatusFlags, output: Output): Promise<ExitCode> {
  if (!flags.check && !flags.acceptGone) return await withStateToRead(configFile, (place) => show(place, output))
  return await withState(configFile, async (place) => {
    const { config, state } = place
    const log = openLog(config.log, config.secrets, openPeople(true).lines, output.verbose)
    const stop = stopSignals('Start it again when you are ready.')
    try {
      const placed = await withPlaceFaults(config, { signal: stop.signal, note: false })
      await checkCopies(placed, state, { log: log.logger, signal: stop.signal, accept: flags.acceptGone })
      return await show(place, output)
    } finally {
      stop.dispose()
      log.close()
    }
  })
}

async function show({ config, state }: Workplace<State | null>, output: Output): Promise<ExitCode> {
  const now = new Date()
  const found = await readStatus(config, state, now)
  await output.result(found.result, (style) => statusSummary(found, now, style))
  return found.result.reasons.length > 0 ? EXIT.lookAtIt : EXIT.done
}
