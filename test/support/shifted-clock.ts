import { globSync } from 'node:fs'
import { dicomBackup, type CliResult } from './cli.ts'

/**
 * The library alone: Debian's `faketime` program cannot start when a process that was killed had its id and left a
 * semaphore behind.
 */
const [library] = globSync('/usr/{lib,lib64,local/lib}/{,*/}faketime/libfaketimeMT.so.1')

/** For a test's `skip` option. */
export const noShiftedClock: string | false = library === undefined ? 'this machine has no libfaketime' : false

/**
 * What comes before the words that start a program whose clock begins at a local time, 'YYYY-MM-DD hh:mm:ss', and goes on
 * from there.
 */
export function shiftedClock(time: string): string[] {
  if (library === undefined) throw new Error('This machine has no libfaketime.')
  // Timers are to run at their own pace.
  const own = ['FAKETIME_DONT_FAKE_MONOTONIC=1', 'FAKETIME_DONT_RESET=1']
  return ['env', `LD_PRELOAD=${library}`, `FAKETIME=@${time}`, ...own]
}

/** Runs the program with its clock set to a local time of this zone, from where it goes on. */
export async function atClock(
  time: string,
  timeZone: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return await dicomBackup(args, { through: shiftedClock(time), env: { TZ: timeZone, ...env } })
}
