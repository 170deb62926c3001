import { asBackupError } from '../../pipeline/contract/errors.ts'
import { openLog } from '../../stages/log/log.ts'
import { openState } from '../../stages/state/open-state.ts'
import { verifyArchive } from '../../stages/verify/verify.ts'
import { restoreErrorText } from '../display/restore-error.ts'
import { openWorkDisplay } from '../display/restore-progress.ts'
import { styleOf } from '../display/style.ts'
import { verifySummary } from '../display/verify-summary.ts'
import { exitOfError, exitOfVerify, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'
import { withStateIfAny } from '../command-context.ts'
import { streams, write } from '../streams.ts'

export interface VerifyFlags {
  readonly archive: string | null
  readonly from: string | null
  readonly deep: boolean
  readonly restoreTest: boolean
}

/** `verify`: whether a stored archive is still what was sent. Exit 1 when it is not, 3 when that could not be told of all. */
export async function verify(configFile: string, flags: VerifyFlags, output: Output): Promise<ExitCode> {
  return await withStateIfAny(configFile, openState, async ({ config, state, lost }) => {
    const display = openWorkDisplay(streams.stderr, output.quiet)
    const log = openLog(config.log, config.secrets, display.lines, output.verbose)
    const stop = stopSignals('Start it again when you are ready.')
    try {
      if (lost !== null) log.logger.warn({ err: lost }, 'what was sent is unknown here, and the result is not recorded')
      const { onWork } = display
      const options = { ...flags, state, log: log.logger, onWork, signal: stop.signal }
      const result = await stop.ends(verifyArchive(config, options))
      display.stop()
      await output.result(result, (style) => verifySummary(result, style))
      return exitOfVerify(result)
    } catch (error) {
      display.stop()
      const known = asBackupError(error)
      if (output.json || known.code === 'E_CONFIG') throw known
      await write('stderr', restoreErrorText(known, styleOf(streams.stderr)))
      return exitOfError(known)
    } finally {
      stop.dispose()
      log.close()
    }
  })
}
