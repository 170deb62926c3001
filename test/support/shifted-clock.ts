import { findProgram } from './mariadb.ts'
import { dicomBackup, type CliResult } from './cli.ts'

/** For a test's `skip` option. */
export const noShiftedClock: string | false =
  process.platform === 'win32' || findProgram('faketime') === null ? 'this machine has no faketime' : false

/** Runs the program with its clock set to a local time of this zone, from where it goes on. */
export async function atClock(
  time: string,
  timeZone: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return await dicomBackup(args, {
    through: ['faketime', '-f', `@${time}`],
    // Timers are to run at their own pace.
    env: { FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1', TZ: timeZone, ...env },
  })
}
