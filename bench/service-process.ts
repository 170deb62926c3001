import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

export interface ServiceProcess {
  readonly pid: number
  readonly dropbox: string
  readonly googleDrive: string
  stop(): Promise<void>
}

/**
 * Both stand-ins in a process of their own, so that the engine's memory and time are measured alone. They hash and
 * discard.
 */
export async function startServices(...args: readonly string[]): Promise<ServiceProcess> {
  return await start('../src/stages/stand-ins/serve.ts', '--discard', ...args)
}

/** Two plain HTTP servers that hash and discard, for programs that do not speak the services' protocols. */
export async function startSinks(): Promise<ServiceProcess> {
  return await start('sink.ts')
}

async function start(program: string, ...args: readonly string[]): Promise<ServiceProcess> {
  // They allocate all that they receive: collected beside them, that would take one of the cores from who is measured.
  const child = spawn(process.execPath, ['--single-threaded-gc', path.resolve(import.meta.dirname, program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const origins = JSON.parse(line) as { dropbox: string; googleDrive: string }
  return {
    ...origins,
    pid: child.pid ?? -1,
    async stop() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}
