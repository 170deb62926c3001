import { BackupError } from '../pipeline/errors.ts'
import { EXIT } from './exit.ts'

/**
 * SIGINT, SIGTERM, SIGHUP (a closed terminal) and, on Windows, Ctrl-Break abort the returned signal, with an error that
 * has this advice; a second one ends the process at once. `onStop` hears of the first, to tell people.
 */
export function stopSignals(
  advice: string,
  onStop: () => void = () => undefined,
): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController()
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', ...(process.platform === 'win32' ? ['SIGBREAK'] : [])] as const
  const stop = (name: string): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted)
    controller.abort(new BackupError('E_ABORTED', `The run was stopped by ${name}.`, { advice }))
    onStop()
  }
  for (const name of names) process.on(name, stop)
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, stop)
    },
  }
}
