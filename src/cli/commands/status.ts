import { readStatus } from '../../stages/status/status.ts'
import type { State } from '../../stages/state/state.ts'
import { statusSummary } from '../display/status-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withState, withStateToRead, type CommandContext } from '../command-context.ts'

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
  const { check } = await import('./status-check.ts')
  return await withState(configFile, async (place) => {
    await check(place, flags.acceptGone, output)
    return await show(place, output)
  })
}

async function show({ config, state }: CommandContext<State | null>, output: Output): Promise<ExitCode> {
  const now = new Date()
  const found = await readStatus(config, state, now)
  await output.result(found.result, (style) => statusSummary(found, now, style))
  return found.result.reasons.length > 0 ? EXIT.lookAtIt : EXIT.done
}
