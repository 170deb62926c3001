import { abortError } from '../contract/errors.ts'

/**
 * Waits for work that others wait for too: the signal ends this wait, not the work. Rejects with the signal's
 * BackupError.
 */
export async function waitFor<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = (): void => {
    stopped.reject(abortError(signal))
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await Promise.race([stopped.promise, shared])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
