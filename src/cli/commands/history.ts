import type { HistoryResult } from '../../stages/contract/history.ts'
import { historySummary } from '../display/history-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withStateToRead } from '../command-context.ts'

/** `history`: past runs, newest first, `limit` of them at most. Writes nothing. */
export async function history(configFile: string, limit: number, output: Output): Promise<ExitCode> {
  return await withStateToRead(configFile, async ({ state }) => {
    const result: HistoryResult = { runs: (await state?.history(limit)) ?? [] }
    await output.result(result, (style) => historySummary(result, style))
    return EXIT.done
  })
}
