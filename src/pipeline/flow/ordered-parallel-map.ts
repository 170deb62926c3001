import pLimit from 'p-limit'

export interface AheadOptions<T> {
  /** How many pieces of work are under way at once. */
  readonly concurrency: number
  /** How many items may be taken from the source before the first of them is handed on. */
  readonly items: number
  /** How much of `weight` may be taken ahead; one item is taken whatever it weighs. */
  readonly budget: number
  readonly weight: (item: T) => number
}

/**
 * Works on several items ahead and hands the results on in the order of the source. What is ahead is bounded by number
 * and by weight. When the reader stops early, the work under way is waited for.
 */
export async function* orderedParallelMap<T, R>(
  source: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  { concurrency, items, budget, weight }: AheadOptions<T>,
): AsyncGenerator<R> {
  const limit = pLimit({ concurrency, rejectOnClear: true })
  const queue: { readonly result: Promise<R>; readonly weight: number }[] = []
  let carried = 0
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      while (!ended && queue.length < items && (queue.length === 0 || carried < budget)) {
        const next = await iterator.next()
        if (next.done === true) {
          ended = true
        } else {
          const result = limit(work, next.value)
          result.catch(() => undefined)
          queue.push({ result, weight: weight(next.value) })
          carried += weight(next.value)
        }
      }
      const first = queue.shift()
      if (first === undefined) return
      try {
        yield await first.result
      } finally {
        carried -= first.weight
      }
    }
  } finally {
    limit.clearQueue()
    await iterator.return?.()
    await Promise.allSettled(queue.map(({ result }) => result))
  }
}
