import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { cpuMsOf } from '../harness/watched.ts'
import type { Answered, Asked } from './answer-parent.ts'
import type { Uploads } from './sink.ts'
import type { ArrivedAtBoth, Question } from './stand-ins.ts'

interface ServiceProcess {
  readonly pid: number
  /** Where uploads go: of a stand-in its origin, of a sink the address of its one object. */
  readonly dropbox: string
  readonly googleDrive: string
  /** Processor time that it has taken so far; NaN where the system does not say. */
  cpuMs(): number
  stop(): Promise<void>
}

export interface StandIns extends ServiceProcess {
  ask(question: Question): Promise<ArrivedAtBoth>
}

export interface Sinks extends ServiceProcess {
  /** The uploads that came to their end since it was asked last. */
  uploads(): Promise<Uploads>
}

/**
 * Both stand-ins in a process of their own, so that the engine's memory and time are measured alone. They hash and
 * discard.
 */
export async function startServices(...args: readonly string[]): Promise<StandIns> {
  const { ask, ...started } = await start('stand-ins.ts', '--discard', ...args)
  return { ...started, ask: async (question) => (await ask(question)) as ArrivedAtBoth }
}

/** Two plain HTTP servers that hash and discard, for programs that do not speak the services' protocols. */
export async function startSinks(): Promise<Sinks> {
  const { ask, ...started } = await start('sink.ts')
  return { ...started, uploads: async () => (await ask('uploads')) as Uploads }
}

async function start(program: string, ...args: readonly string[]) {
  // They allocate all that they receive: collected beside them, that would take one of the cores from who is measured.
  const child = spawn(process.execPath, ['--single-threaded-gc', path.resolve(import.meta.dirname, program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  })
  if (child.stdin === null || child.stdout === null) throw new TypeError('These are pipes.')
  const { stdin, stdout, pid = -1 } = child
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program} has ended.`)
  })
  const [line] = (await Promise.race([once(createInterface({ input: stdout }), 'line'), ended])) as [string]
  ended.catch(() => undefined)
  const origins = JSON.parse(line) as { dropbox: string; googleDrive: string }
  return {
    ...origins,
    pid,
    cpuMs: () => cpuMsOf(pid),
    ask: (question: string) => ask(child, question),
    async stop() {
      const ended = once(child, 'exit')
      stdin.end()
      await ended
    },
  }
}

let asked = 0

async function ask(child: ChildProcess, question: string): Promise<unknown> {
  const id = (asked += 1)
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onMessage = (message: Answered): void => {
    if (message.id === id) resolve(message.answer)
  }
  const onExit = (): void => {
    reject(new Error('The process that takes what is sent has ended.'))
  }
  child.on('message', onMessage).on('exit', onExit)
  try {
    child.send({ id, question } satisfies Asked)
    return await promise
  } finally {
    child.off('message', onMessage).off('exit', onExit)
  }
}
