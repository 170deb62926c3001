/**
 * Runs the build as a Windows program, under Wine: `npm run build`, then `npx node test/wine/main.ts [WORDS]` (only checks
 * that have these words in their names). The last line is "N passed, N failed"; exit 1 when one failed.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { CHECKS } from './checks.ts'
import { SURROUNDINGS } from './surroundings.ts'
import { prepareMachine, stopMachine, type Machine } from './machine.ts'
import { REPOSITORY, Windows } from './windows.ts'

const wanted = process.argv.slice(2).join(' ')
const found = Object.entries({ ...CHECKS, ...SURROUNDINGS }).filter(([name]) => name.includes(wanted))

async function main(): Promise<number> {
  if (!existsSync(path.join(REPOSITORY, 'dist/cli/main.js'))) throw new Error('There is no build: npm run build')
  const machine = prepareMachine()
  let failed = 0
  try {
    for (const [name, check] of found) if (!(await passes(machine, name, check))) failed += 1
  } finally {
    stopMachine(machine)
  }
  process.stdout.write(`${found.length - failed} passed, ${failed} failed\n`)
  return failed
}

async function passes(machine: Machine, name: string, check: (windows: Windows) => Promise<void>): Promise<boolean> {
  const since = performance.now()
  const windows = await Windows.in(machine)
  try {
    await check(windows)
    process.stdout.write(`ok      ${name} (${((performance.now() - since) / 1000).toFixed(1)} s)\n`)
    return true
  } catch (error) {
    process.stdout.write(
      `FAILED  ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return false
  } finally {
    await windows.remove()
  }
}

try {
  process.exitCode = found.length === 0 || (await main()) > 0 ? 1 : 0
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
