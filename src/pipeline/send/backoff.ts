import { setTimeout as sleep } from 'node:timers/promises'
import { abortError, asBackupError, BackupError } from '../contract/errors.ts'

export interface RetryPolicy {
  /** The first pause; it doubles with each try that follows. ms. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** Retry budget of an upload or a download: it is given up this long after a failure without a byte more. ms. */
  readonly budgetMs: number
  /**
   * Retry budget of any other call, from its first failure. ms. Short: while one destination is not open, the window holds
   * the others.
   */
  readonly openingBudgetMs: number
}

export const DEFAULT_RETRY: RetryPolicy = {
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  budgetMs: 30 * 60_000,
  openingBudgetMs: 2 * 60_000,
}

/** Called before each pause, for the progress display and the log. */
export type OnRetry = (error: BackupError, pauseMs: number) => void

export interface BackoffOptions {
  readonly policy: RetryPolicy
  readonly onRetry: OnRetry
  /** Aborted: no pause starts, and none is waited out. */
  readonly stop: AbortSignal | null
}

/** Counts the tries since the last progress and sleeps between them (docs/design.md, *Retrying*). */
export class Backoff {
  readonly #budgetMs: number
  readonly #options: BackoffOptions
  /** When the first failure since the last progress came; by performance.now(). */
  #since: number | null = null
  #tries = 0

  constructor(budgetMs: number, options: BackoffOptions) {
    this.#budgetMs = budgetMs
    this.#options = options
  }

  progressed(): void {
    this.#since = null
    this.#tries = 0
  }

  /**
   * Sleeps before the next try. Throws the error when it is not to be retried or the budget is used up, and the reason of
   * the signal or of the soft stop when one of them is aborted.
   */
  async pause(thrown: unknown, signal: AbortSignal): Promise<void> {
    const { policy, onRetry, stop } = this.#options
    if (signal.aborted) throw abortError(signal)
    const error = asBackupError(thrown)
    if (error.remedy !== 'retry' && error.remedy !== 'resume') throw error
    if (stop?.aborted === true) throw abortError(stop)
    const now = performance.now()
    this.#since ??= now
    const leftMs = this.#since + this.#budgetMs - now
    const askedMs = error.retryAfterMs ?? 0
    if (askedMs > Math.max(0, leftMs)) throw asksTooLong(error, askedMs)
    const ceiling = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** this.#tries)
    const pauseMs = Math.max(askedMs, ceiling * (0.5 + Math.random() / 2))
    if (pauseMs > leftMs) throw error
    this.#tries += 1
    onRetry(error, pauseMs)
    const either = stop === null ? signal : AbortSignal.any([signal, stop])
    try {
      await sleep(pauseMs, undefined, { signal: either })
    } catch {
      throw abortError(either)
    }
  }
}

function asksTooLong(error: BackupError, askedMs: number): BackupError {
  const seconds = Math.ceil(askedMs / 1000)
  const minutes = Math.ceil(seconds / 60)
  const wait = seconds < 120 ? `${seconds} s` : minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
  return new BackupError(
    error.code,
    `${error.message} It asks for a pause of ${wait}, longer than the time left for retries.`,
    {
      remedy: error.remedy,
      retryAfterMs: askedMs,
      advice: `Try again after ${localTime(Date.now() + askedMs)}.`,
      cause: error,
    },
  )
}

/** 'YYYY-MM-DD HH:mm' in local time, rounded up to the minute. */
function localTime(ms: number): string {
  const at = new Date(Math.ceil(ms / 60_000) * 60_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}
