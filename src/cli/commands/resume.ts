import { loadConfig } from '../../stages/config/load.ts'
import type { ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { backup } from './run.ts'

/** `resume`: finishes the last interrupted run; without one there is nothing to do. */
export async function resume(configFile: string, output: Output): Promise<ExitCode> {
  return await backup(loadConfig(configFile), { mode: 'resume', destination: [], acceptShrunk: false }, output)
}
