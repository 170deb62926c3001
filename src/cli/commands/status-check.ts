import { withPlaceFaults } from '../../stages/destinations/places.ts'
import { openLog } from '../../stages/log/log.ts'
import type { State } from '../../stages/state/state.ts'
import { checkCopies } from '../../stages/find/copies.ts'
import type { Output } from '../output.ts'
import { openPeople } from '../people.ts'
import { stopSignals } from '../stop-signals.ts'
import type { CommandContext } from '../command-context.ts'

/** `status --check`: lists the destinations. A module of its own: `status` alone loads nothing that asks them. */
export async function check({ config, state }: CommandContext<State>, accept: boolean, output: Output): Promise<void> {
  const log = openLog(config.log, config.secrets, openPeople(true).lines, output.verbose)
  const stop = stopSignals('Start it again when you are ready.')
  try {
    const placed = await withPlaceFaults(config, { signal: stop.signal, note: false })
    await stop.ends(checkCopies(placed, state, { log: log.logger, signal: stop.signal, accept }))
  } finally {
    stop.dispose()
    log.close()
  }
}
