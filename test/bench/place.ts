/** Small places and contenders for tests of the benchmark itself. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Case, Contender, Place, Row, Sample, Spread } from '../../bench/harness/types.ts'

export const sample = (value: number, more: Partial<Sample> = {}): Sample => ({
  value,
  ms: 1000,
  peakBytes: 1e8,
  cpuMs: 1000,
  bytesOut: null,
  ...more,
})

/** Gives each of the values once, and then the last one; the warm-up takes none. */
export function contender(name: string, values: readonly number[], more: Partial<Sample> = {}): Contender {
  let run = -1
  return {
    name,
    what: name,
    run: () => Promise.resolve(sample(values[Math.min(Math.max(run++, 0), values.length - 1)]!, more)),
  }
}

export const failing = (name: string, why = 'exit 1'): Contender => ({
  name,
  what: name,
  run: () => Promise.reject(new Error(why)),
})

export const toyCase = (more: Partial<Case>): Case => ({
  name: 'toy',
  title: 'a toy',
  unit: 'MB/s',
  better: 'higher',
  rounds: 3,
  prepare: (folder): Promise<Place> => Promise.resolve({ folder }),
  own: [contender('dicom-backup', [100])],
  peers: [],
  goals: [],
  ...more,
})

export const spread = (median: number, share = 0): Spread => ({
  median,
  min: median * (1 - share),
  max: median * (1 + share),
})

export const row = (name: string, value: number, more: Partial<Row> = {}): Row => ({
  name,
  isOwn: name === 'dicom-backup',
  twinOf: null,
  rounds: 3,
  value: spread(value),
  ms: spread(1000),
  cpuMs: spread(1000),
  peakBytes: spread(1e8),
  bytesOut: null,
  ...more,
})

/** Files below a folder, none like another. */
export async function writeFiles(root: string, count: number, bytes: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await writeFile(path.join(root, `${n}.dcm`), Buffer.alloc(bytes, n + 1))
}
