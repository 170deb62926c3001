/**
 * `npm run bench`: measures everything, prints tables, writes bench/results/*.json, and says what fell behind the
 * results that were committed last. `npm run bench -- NAME…` measures those cases only, `--rounds N` with another
 * number of rounds, `--only CONTENDER` (repeatable) without the others, `--all` with the cases that take minutes.
 * Results that are not of whole cases are not written.
 */
import { parseArgs } from 'node:util'
import { CASES } from './cases/index.ts'
import { measure } from './harness/measure.ts'
import { committedResult, fallenBehind, saveResult } from './harness/results.ts'
import { tableOf } from './harness/table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !CASES.some((one) => one.name === name))
if (unknown.length > 0) {
  console.error(`There is no case ${unknown.join(', ')}. There are: ${CASES.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
const wanted = CASES.filter(({ name, long = false }) =>
  positionals.length === 0 ? values.all || !long : positionals.includes(name),
)
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
const behind: string[] = []
for (const one of wanted) {
  const rounds = values.rounds === undefined ? null : Number(values.rounds)
  const result = await measure(one, { rounds, only: values.only, say })
  console.log(tableOf(result))
  if (values.only.length > 0 || rounds !== null) continue
  const before = committedResult(one.name)
  if (before !== null) behind.push(...fallenBehind(result, before))
  saveResult(result)
}
console.log(
  behind.length === 0
    ? '\nNothing of ours fell behind the committed results.'
    : `\nFell behind the committed results by more than the noise:\n${behind.map((line) => `  ${line}`).join('\n')}`,
)
