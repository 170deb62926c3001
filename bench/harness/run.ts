import { behindBaseline, isSameMachine, worseThanTwin } from './behind.ts'
import { missed } from './goals.ts'
import { measure, type MeasureOptions } from './measure.ts'
import { readResult, saveResult } from './results.ts'
import { tableOf } from './table.ts'
import type { Options } from './arguments.ts'
import type { Case } from './types.ts'

export interface Surroundings extends Pick<MeasureOptions, 'program' | 'against' | 'say'> {
  /** Folders of earlier results. */
  readonly results: string
  readonly baseline: string
  /** Takes what the benchmark found. */
  readonly print: (text: string) => void
}

/** Measures all cases. Resolves with the exit code: 1 when anything failed, was missed or became slower. */
export async function runBenchmark(options: Options, surroundings: Surroundings): Promise<0 | 1> {
  const { results, baseline, print } = surroundings
  const bad: string[] = []
  const notes: string[] = []
  for (const one of options.cases) {
    const reason = one.unmeasured?.() ?? null
    if (reason !== null) {
      notes.push(`${one.name} was not measured: ${reason}`)
      continue
    }
    const result = await measured(one, options, surroundings)
    if (typeof result === 'string') {
      bad.push(result)
      continue
    }
    print(tableOf(result))
    bad.push(...result.failures.map((failure) => `${one.name} failed: ${failure.split('\n')[0] ?? ''}`))
    bad.push(...missed(result.goals).map(({ what }) => `${one.name} missed: ${what}`))
    bad.push(...worseThanTwin(result).map((line) => `slower: ${line}`))
    const isWhole = options.only.length === 0 && options.rounds === null && options.against === null
    if (!isWhole) continue
    if (result.failures.length === 0) {
      saveResult(results, result)
      if (options.pin) saveResult(baseline, result)
    }
    if (options.pin) continue
    const before = readResult(baseline, one.name)
    if (before === null) notes.push(`${one.name} has no pinned baseline: compared with nothing`)
    else {
      if (!isSameMachine(result.machine, before.machine)) {
        notes.push(`${one.name}: the baseline is another machine's or another Node's, so only ratios were compared`)
      }
      bad.push(...behindBaseline(result, before).map((line) => `slower than the baseline: ${line}`))
    }
  }
  if (notes.length > 0) print(`\n${notes.join('\n')}`)
  print(bad.length === 0 ? '\nNothing failed, was missed or became slower.' : `\n${bad.join('\n')}`)
  return bad.length === 0 ? 0 : 1
}

/** A sentence in the place of the result when nothing of the case could be measured. */
async function measured(one: Case, options: Options, { program, against, say }: Surroundings) {
  const { rounds, only } = options
  try {
    return await measure(one, { rounds, only, program, against, say })
  } catch (error) {
    return `${one.name} could not be measured: ${error instanceof Error ? error.message : String(error)}`
  }
}
