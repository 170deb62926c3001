import { mustBeDestinations } from '../destination-names.ts'
import type { ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withState } from '../command-context.ts'
import { backup } from './run.ts'

/** `resume`: finishes the last interrupted run; without one there is nothing to do. */
export async function resume(configFile: string, output: Output): Promise<ExitCode> {
  return await withState(configFile, (place) => {
    mustBeDestinations(place.config, [])
    return backup(place, { mode: 'resume', destination: [], acceptShrunk: false }, output)
  })
}
