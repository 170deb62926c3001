import { readStatus } from '../../stages/status/status.ts'
import { statusSummary } from '../display/status-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withStateToRead } from '../workplace.ts'

/** `status`: where the backups stand; exit 3 when they are overdue or a sign-in has lapsed or is about to. Writes nothing, not even a log. */
export async function status(configFile: string, output: Output): Promise<ExitCode> {
  return await withStateToRead(configFile, async ({ config, state }) => {
    const now = new Date()
    const found = await readStatus(config, state, now)
    await output.result(found.result, (style) => statusSummary(found, now, style))
    return found.overdue || found.signInLapses ? EXIT.lookAtIt : EXIT.done
  })
}
