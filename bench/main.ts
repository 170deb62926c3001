/**
 * `npm run bench`: measures everything, prints tables, writes bench/results/*.json, and says what failed, which goals
 * were missed and what fell behind the pinned baseline. Exit 1 when there is anything of these, 2 when the arguments are
 * wrong.
 *
 *     npm run bench -- NAME…           those cases only
 *     npm run bench -- --all           with the cases that take many minutes
 *     npm run bench -- --rounds N      another number of rounds
 *     npm run bench -- --only NAME     (repeatable) those contenders only
 *     npm run bench -- --against DIR   the build of another checkout beside ours, in the same run
 *     npm run bench -- --pin           what is measured becomes the baseline
 *
 * Results that are not of whole cases, or of another build too, are neither written nor compared with the baseline.
 */
import { buildOther } from './against.ts'
import { builtProgram } from './built-program.ts'
import { CASES } from './cases/index.ts'
import { BadArguments, readArguments, type Options } from './harness/arguments.ts'
import { installMissing, packagesOf } from './harness/needs.ts'
import { BASELINE, RESULTS } from './harness/results.ts'
import { runBenchmark } from './harness/run.ts'

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

async function main(options: Options): Promise<number> {
  const missing = installMissing(options.cases, options.only, say)
  if (missing.length > 0) {
    say(`The peers need programs that are not on this machine: ${missing.join(', ')}`)
    say(`  Debian, Ubuntu:  apt-get install ${packagesOf(missing).join(' ')}`)
    return 1
  }
  const program = await builtProgram()
  const against = options.against === null ? null : await buildOther(options.against)
  try {
    const print = (text: string): void => {
      console.log(text)
    }
    return await runBenchmark(options, { program, against, say, print, results: RESULTS, baseline: BASELINE })
  } finally {
    await against?.remove()
  }
}

try {
  process.exitCode = await main(readArguments(process.argv.slice(2), CASES))
} catch (error) {
  if (!(error instanceof BadArguments)) throw error
  say(error.message)
  process.exitCode = 2
}
