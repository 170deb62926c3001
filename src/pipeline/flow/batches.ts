export interface BatchLimits<T> {
  /** A batch is full with so many items, */
  readonly items: number
  /** or when its items weigh so much together; one item is a batch whatever it weighs. */
  readonly budget: number
  readonly weight: (item: T) => number
}

/** The items in batches, in their order. */
export async function* inBatches<T>(
  source: AsyncIterable<T>,
  { items, budget, weight }: BatchLimits<T>,
): AsyncGenerator<T[]> {
  let batch: T[] = []
  let carried = 0
  for await (const item of source) {
    const own = weight(item)
    if (batch.length > 0 && carried + own > budget) {
      yield batch
      batch = []
      carried = 0
    }
    batch.push(item)
    carried += own
    if (batch.length < items && carried < budget) continue
    yield batch
    batch = []
    carried = 0
  }
  if (batch.length > 0) yield batch
}
