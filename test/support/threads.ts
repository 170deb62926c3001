import { setTimeout as sleep } from 'node:timers/promises'

/** How many threads beside the main one this process has. */
export function threadCount(): number {
  const { workers } = process.report.getReport() as { readonly workers: readonly unknown[] }
  return workers.length
}

/** Resolves when there are no more than so many. */
export async function threadsEnded(count: number): Promise<void> {
  while (threadCount() > count) await sleep(50)
}

/** How many there are once none that is kept for a next user ends any more. */
export async function settledThreads(): Promise<number> {
  for (let count = threadCount(); ; count = threadCount()) {
    await sleep(1500)
    if (threadCount() === count) return count
  }
}
