import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Case } from './types.ts'

export interface Options {
  readonly cases: readonly Case[]
  /** Null: each case's own number. */
  readonly rounds: number | null
  /** Names of contenders; empty: all. */
  readonly only: readonly string[]
  /** The folder of another checkout. */
  readonly against: string | null
  readonly pin: boolean
}

/** The message is for whoever wrote the arguments. */
export class BadArguments extends Error {}

/** What is to be measured. Throws BadArguments. */
export function readArguments(args: readonly string[], all: readonly Case[]): Options {
  const { values, positionals } = parsed(args)
  const wanted = all.filter(({ name, long = false }) =>
    positionals.length === 0 ? values.all || !long : positionals.includes(name),
  )
  const unknown = positionals.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new BadArguments(`There is no case ${unknown.join(', ')}. There are: ${names(all)}.`)
  }
  const { only, pin, rounds, against = null } = values
  const has = ({ own, peers }: Case, name: string): boolean => [...own, ...peers].some((one) => one.name === name)
  for (const name of only) {
    if (wanted.some((one) => has(one, name))) continue
    const contenders = new Set(wanted.flatMap(({ own, peers }) => [...own, ...peers].map((one) => one.name)))
    throw new BadArguments(`There is no contender ${name}. There are: ${[...contenders].join(', ')}.`)
  }
  if (rounds !== undefined && !/^[1-9]\d{0,3}$/.test(rounds)) {
    throw new BadArguments(`--rounds needs a number from 1 to 9999, not ${rounds}.`)
  }
  if (against !== null) checkCheckout(against)
  if (pin && (rounds !== undefined || only.length > 0 || against !== null)) {
    throw new BadArguments('--pin needs whole cases: leave out --rounds, --only and --against.')
  }
  return {
    cases: wanted.filter((one) => only.length === 0 || only.some((name) => has(one, name))),
    rounds: rounds === undefined ? null : Number(rounds),
    only,
    against,
    pin,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        all: { type: 'boolean', default: false },
        against: { type: 'string' },
        pin: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error))
  }
}

const names = (cases: readonly Case[]): string => cases.map(({ name }) => name).join(', ')

function checkCheckout(folder: string): void {
  const missing = ['tsconfig.build.json', 'package.json', 'src/cli/main.ts', 'node_modules'].find(
    (name) => !existsSync(path.join(folder, name)),
  )
  if (missing !== undefined) {
    throw new BadArguments(
      `--against needs a checkout of this project with its node_modules: ${folder} has no ${missing}.`,
    )
  }
}
