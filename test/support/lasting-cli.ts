/** The program in a process that runs one command after another: for loops that would wait for its start most of the time. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { TestContext } from 'node:test'
import { builtProgram } from '../../bench/built-program.ts'
import type { CliResult } from './cli.ts'
import { nearServices } from './near-services.ts'
import { withThisProcess } from './with-this-process.ts'

const script = (main: string): string => `
  import { createInterface } from 'node:readline'
  import { main } from ${JSON.stringify(new URL('program.js', pathToFileURL(main)).href)}
  // Each command listens anew.
  process.setMaxListeners(0)
  for await (const line of createInterface({ input: process.stdin })) {
    const code = await main(JSON.parse(line))
    process.stdout.write('\\n#' + code + '\\n')
  }`

/** Gives a function that runs a command whose output is one line; the process ends with the test. */
export async function lastingCli(
  t: TestContext,
): Promise<(args: readonly string[]) => Promise<Omit<CliResult, 'stderr'>>> {
  const words = [process.execPath, '--input-type=module', '-e', script(await builtProgram())]
  const [program, ...args] = withThisProcess(words)
  const env = { ...process.env, ...(await nearServices()) }
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
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
