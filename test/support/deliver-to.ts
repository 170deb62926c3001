import type { TestContext } from 'node:test'
import type { Delivery } from '../../src/pipeline/deliver.ts'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import { ProgressReporter } from '../../src/pipeline/contract/progress.ts'
import type { Source } from '../../src/pipeline/contract/source.ts'
import { sourceOf } from './byte-source.ts'
import { deliver, type DeliverInput } from './deliver.ts'
import { openKeeping } from './keeping.ts'
import { tempFolder } from './temp-folder.ts'

export interface DeliverToOptions extends Partial<Pick<DeliverInput, 'signal' | 'stallPolicy' | 'onOutcome'>> {
  /** Parts that the ring keeps. */
  readonly slots?: number
}

/** A run of its own, from the archive's start, with its files in a new folder. */
export async function deliverTo(
  t: Pick<TestContext, 'after'>,
  source: Source | AsyncIterable<Uint8Array>,
  destinations: readonly Destination[],
  { slots, signal = new AbortController().signal, ...options }: DeliverToOptions = {},
): Promise<Delivery> {
  const runStore = await openKeeping(await tempFolder(t), slots)
  try {
    return await deliver({
      source: 'make' in source ? source : sourceOf(source),
      object: 'a.zip',
      destinations,
      runStore,
      reporter: new ProgressReporter(destinations.map(({ name }) => name)),
      signal,
      ...options,
    })
  } finally {
    await runStore.close()
  }
}

/** Zeros without end, a MiB at a time; `onPull` hears how many were asked for before. */
export async function* endless(onPull: (n: number) => void = () => undefined): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n += 1) {
    await Promise.resolve()
    onPull(n)
    yield Buffer.alloc(1 << 20)
  }
}

export async function* pieces(data: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) {
    await Promise.resolve()
    yield data.subarray(at, at + size)
  }
}
