import { watched, type Watched } from '../harness/watched.ts'
import type { Build, Contender, Place, Sample } from '../harness/types.ts'

export interface Command<P extends Place> extends Pick<Contender<P>, 'name' | 'what' | 'needs'> {
  /** The program and its arguments. */
  readonly words: (place: P, build: Build) => readonly string[] | Promise<readonly string[]>
  readonly valueOf: (ms: number, place: P) => number
  /** Throws when it has not done all that it should. */
  readonly check?: (run: Watched, place: P, words: readonly string[]) => Promise<void> | void
}

/** A command that sends nothing, from its start to its end. */
export const command = <P extends Place>({ words, valueOf, check, ...named }: Command<P>): Contender<P> => ({
  ...named,
  async run(place, build): Promise<Sample> {
    const all = await words(place, build)
    const run = await must(...all)
    await check?.(run, place, all)
    const { ms, peakBytes, cpuMs } = run
    return { value: valueOf(ms, place), ms, peakBytes, cpuMs, bytesOut: null }
  },
})

/** For bash, with every process of a pipe able to fail it. The arguments are `$1`, `$2`, … */
export const bash = (words: string, ...args: readonly string[]): readonly string[] => [
  ...['bash', '-o', 'pipefail', '-euc', words, 'bash'],
  ...args,
]

export async function must(...[program = '', ...args]: readonly string[]): Promise<Watched> {
  const run = await watched(program, args)
  if (run.code !== 0) throw new Error(`exit ${run.code ?? run.signal ?? ''}\n${run.stdout}\n${run.stderr}`)
  return run
}
