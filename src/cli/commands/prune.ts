import { openLog } from '../../stages/log/log.ts'
import { pruneAll } from '../../stages/retention/prune-all.ts'
import type { PruneResult } from '../../stages/contract/results.ts'
import { mustBeDestinations } from '../destination-names.ts'
import { pruneSummary } from '../display/prune-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { openPeople } from '../people.ts'
import { stopSignals } from '../stop-signals.ts'
import { withState } from '../command-context.ts'

export interface PruneFlags {
  readonly dryRun: boolean
  readonly destination: readonly string[]
}

/** `prune`: deletes archives past retention, or shows what would go. */
export async function prune(configFile: string, flags: PruneFlags, output: Output): Promise<ExitCode> {
  return await withState(configFile, async ({ config, state }) => {
    mustBeDestinations(config, flags.destination)
    const log = openLog(config.log, config.secrets, openPeople(true).lines, output.verbose)
    const stop = stopSignals('Start it again when you are ready.')
    try {
      const { dryRun, destination: only } = flags
      const options = { dryRun, only, log: log.logger, signal: stop.signal }
      const result = await stop.ends(pruneAll(config, state, options))
      await output.result(result, (style) => pruneSummary(result, dryRun, style))
      return exitOf(result)
    } finally {
      stop.dispose()
      log.close()
    }
  })
}

function exitOf({ destinations, deleted, kept }: PruneResult): ExitCode {
  const failed = destinations.filter(({ failures }) => failures.length > 0).length
  if (failed === 0) return EXIT.done
  return failed === destinations.length && deleted.length === 0 && kept.length === 0 ? EXIT.failed : EXIT.lookAtIt
}
