/**
 * Files that another program has open. On Windows nothing can be renamed over such a file, nor opened when it is open
 * without sharing: a virus scanner, the indexer or a reader answers with EPERM, EACCES or EBUSY, mostly for a moment.
 */
import { renameSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../contract/errors.ts'

const IN_USE = ['EPERM', 'EACCES', 'EBUSY']
/** How long a file that is in use is waited for. ms. */
const FOR_MS = 5000
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 250

export interface WaitOptions {
  readonly platform?: NodeJS.Platform
  /** How long to wait for a file that is in use. ms; 0: not at all. */
  readonly forMs?: number
}

/** Whether the error may pass: Windows says so of a file that another program has open, as of one that is read-only. */
export const isInUse = (error: unknown, platform: NodeJS.Platform = process.platform): boolean =>
  platform === 'win32' && IN_USE.includes(systemCode(error))

/** The result of `call`, which is called again while a file is in use. Rejects with its last error. */
export async function whenFree<T>(call: () => Promise<T>, options: WaitOptions = {}): Promise<T> {
  const pauses = pausesOf(options)
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const pause = isInUse(error, options.platform) ? pauses.next() : null
      if (pause === null) throw error
      await sleep(pause)
    }
  }
}

/** Like `whenFree`; blocks its thread while it waits. */
export function whenFreeSync<T>(call: () => T, options: WaitOptions = {}): T {
  const pauses = pausesOf(options)
  for (;;) {
    try {
      return call()
    } catch (error) {
      const pause = isInUse(error, options.platform) ? pauses.next() : null
      if (pause === null) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
    }
  }
}

/** Renames a file over one that may be there; waits while that one is in use. Rejects with the system's error. */
export async function renameOver(from: string, to: string, options?: WaitOptions): Promise<void> {
  await whenFree(() => rename(from, to), options)
}

/** Like `renameOver`; blocks its thread while it waits. */
export function renameOverSync(from: string, to: string, options?: WaitOptions): void {
  whenFreeSync(() => {
    renameSync(from, to)
  }, options)
}

/** Gives the pauses between attempts, each twice as long as the one before; null when the time is over. */
function pausesOf({ forMs = FOR_MS }: WaitOptions): { next: () => number | null } {
  const end = performance.now() + forMs
  let pause = FIRST_PAUSE_MS
  return {
    next: () => {
      const left = end - performance.now()
      if (left <= 0) return null
      const now = Math.min(pause, left)
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      return Math.max(1, now)
    },
  }
}
