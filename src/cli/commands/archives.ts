import { listBackups } from '../../stages/find/backups.ts'
import { openLog } from '../../stages/log/log.ts'
import { openStateToRead } from '../../stages/state/open-state.ts'
import { archivesSummary } from '../display/archives-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'
import { withStateIfAny } from '../command-context.ts'
import { openPeople } from '../people.ts'

/** `archives`: the backups at the destinations, newest first. Writes nothing. Exit 3 when a destination did not answer. */
export async function archives(configFile: string, from: string | null, output: Output): Promise<ExitCode> {
  return await withStateIfAny(configFile, openStateToRead, async ({ config, state, lost }) => {
    const log = openLog(config.log, config.secrets, openPeople(true).lines)
    const stop = stopSignals('Start it again when you are ready.')
    try {
      if (lost !== null) log.logger.warn({ err: lost }, 'the record of runs cannot be read')
      const result = await stop.ends(listBackups(config, { state, from, log: log.logger, signal: stop.signal }))
      await output.result(result, (style) => archivesSummary(result, style))
      return result.unreachable.length === 0 ? EXIT.done : EXIT.lookAtIt
    } finally {
      stop.dispose()
      log.close()
    }
  })
}
