import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

export interface ServiceProcess {
  readonly dropbox: string
  readonly googleDrive: string
  stop(): Promise<void>
}

/**
 * Both stand-ins in a process of their own, so that the engine's memory and time are measured alone. They hash and
 * discard.
 */
export async function startServices(...args: readonly string[]): Promise<ServiceProcess> {
  const program = path.resolve(import.meta.dirname, '../src/stages/stand-ins/serve.ts')
  const child = spawn(process.execPath, [program, '--discard', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const origins = JSON.parse(line) as { dropbox: string; googleDrive: string }
  return {
    ...origins,
    async stop() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}
