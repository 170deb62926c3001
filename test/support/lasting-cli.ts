/** The program in a process that runs one command after another: for loops that would wait for its start most of the time. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { CliResult } from './cli.ts'

const program = new URL(`file://${path.resolve(import.meta.dirname, '../../src/cli/program.ts')}`).href

const SCRIPT = `
  import { createInterface } from 'node:readline'
  import { main } from ${JSON.stringify(program)}
  for await (const line of createInterface({ input: process.stdin })) {
    const code = await main(JSON.parse(line))
    process.stdout.write('\\n#' + code + '\\n')
  }`

/** Gives a function that runs a command whose output is one line; the process ends with the test. */
export function lastingCli(t: TestContext): (args: readonly string[]) => Promise<Omit<CliResult, 'stderr'>> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (args) => {
    child.stdin.write(`${JSON.stringify(args)}\n`)
    let stdout = ''
    for (;;) {
      const next = await lines.next()
      if (next.done === true) return { code: null, stdout }
      if (next.value.startsWith('#')) return { code: Number(next.value.slice(1)), stdout }
      stdout += next.value
    }
  }
}
