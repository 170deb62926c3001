import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError } from '../pipeline/contract/errors.ts'
import { endProcess, isSystemAsked } from './end-process.ts'
import { EXIT } from './exit.ts'
import { write } from './streams.ts'

/** How long a file system may take to answer after a stop, and when people hear that it is waited for. ms. */
const ANSWER_MS = 10_000
const NOTE_MS = 2_000

export interface StopSignals {
  readonly signal: AbortSignal
  /**
   * What `work` comes to. After a stop it is given up, with the stop's error, when the file system has not answered for 10
   * seconds: a network drive that hangs may never do so. For work that may be ended at any moment.
   */
  ends<T>(work: Promise<T>): Promise<T>
  dispose(): void
}

/**
 * SIGINT, SIGTERM, SIGHUP (a closed terminal) and, on Windows, Ctrl-Break abort the returned signal, with an error that
 * has this advice; a second one ends the process at once. `onStop` hears of the first, to tell people; `note` shows them
 * what a stop waits for.
 */
export function stopSignals(
  advice: string,
  onStop: () => void = () => undefined,
  note: (text: string) => void = (text) => void write('stderr', `${text}\n`),
): StopSignals {
  const controller = new AbortController()
  const { signal } = controller
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', ...(process.platform === 'win32' ? ['SIGBREAK'] : [])] as const
  const stop = (name: string): void => {
    if (signal.aborted) endProcess(EXIT.interrupted)
    controller.abort(new BackupError('E_ABORTED', `The run was stopped by ${name}.`, { advice }))
    onStop()
  }
  for (const name of names) process.on(name, stop)
  return {
    signal,
    async ends(work) {
      const done = new AbortController()
      try {
        return await Promise.race([work, unanswered(signal, done.signal, note)])
      } finally {
        done.abort()
      }
    },
    dispose: () => {
      for (const name of names) process.off(name, stop)
    },
  }
}

/** Rejects when the file system has not answered for so long after the stop; else never settles. */
async function unanswered(stop: AbortSignal, done: AbortSignal, note: (text: string) => void): Promise<never> {
  await aborted(stop)
  const STEP_MS = 100
  let isTold = false
  for (let waited = 0; waited < ANSWER_MS; waited = isSystemAsked() ? waited + STEP_MS : 0) {
    await sleep(STEP_MS, undefined, { ref: false })
    if (done.aborted) return await new Promise(() => undefined)
    if (isTold || waited < NOTE_MS) continue
    isTold = true
    note('Stopping; the file system has not answered yet. Press again to stop at once.')
  }
  const { message, advice } = stop.reason as BackupError
  throw new BackupError('E_ABORTED', `${message} The file system had not answered for ${ANSWER_MS / 1000} seconds.`, {
    advice,
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener(
      'abort',
      () => {
        resolve()
      },
      { once: true },
    )
  })
}
