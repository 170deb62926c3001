import { BackupError } from '../../pipeline/contract/errors.ts'
import { nothingDone } from '../../stages/backup/nothing-done.ts'
import { whetherDue } from '../../stages/schedule/due.ts'
import { errorText } from '../display/error.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withState, withStateToRead } from '../command-context.ts'

/**
 * `run --if-due`: what the hourly job calls. With nothing to do it has looked into the state and loaded no more than
 * that; else a run of the schedule begins, or one that is open goes on.
 */
export async function runIfDue(configFile: string, output: Output): Promise<ExitCode> {
  const due = await withStateToRead(configFile, ({ config, state }) => whetherDue(config, state, new Date()))
  if (due.action === 'nothing') {
    await output.result(nothingDone(due.reason, due.nextDueAt), () => `${due.reason}\n`)
    return EXIT.done
  }
  try {
    return await makeWhatIsDue(configFile, due.action, output)
  } catch (error) {
    if (output.json || !(error instanceof BackupError) || error.code !== 'E_LOCKED') throw error
    // While a run of days goes on this is no failure at each hour, of which cron would have to send a mail.
    await output.result(null, (style) => errorText(error, style))
    return EXIT.locked
  }
}

async function makeWhatIsDue(configFile: string, action: 'run' | 'resume', output: Output): Promise<ExitCode> {
  const { backup } = await import('./run.ts')
  return await withState(configFile, (place) => {
    const flags = { mode: action, destination: [], acceptShrunk: false } as const
    // Another call of the same hour may have made it meanwhile, or all of it but for one destination.
    const beforeRun = async (): ReturnType<NonNullable<Parameters<typeof backup>[3]>> => {
      const now = await whetherDue(place.config, place.state, new Date())
      return now.action === 'nothing' ? nothingDone(now.reason, now.nextDueAt) : now.action
    }
    return backup(place, flags, output, beforeRun)
  })
}
