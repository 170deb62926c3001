/** What must not grow: cost per file with their number, memory with either. */
import { archiveFolder, TINY, writeStudies, type ArchiveFolder } from '../data.ts'
import type { Case, Contender, Goal } from '../harness/types.ts'
import { megabytes, ownRun, type ServicesPlace } from '../ours.ts'
import { oneLargeFile } from '../sample-archive.ts'
import { startServices } from '../services/process.ts'
import { peakBelow } from './goals.ts'

const MB = 1_000_000

interface Size {
  readonly name: string
  readonly fill: (root: string) => Promise<void>
  /** The value, from a run's ms. */
  readonly valueOf: (ms: number) => number
}

interface SizesPlace extends ServicesPlace {
  readonly sources: ReadonlyMap<Size, ArchiveFolder>
}

/** Ours at several sizes, each with its own folder. */
function sizes(
  base: Pick<Case, 'name' | 'title' | 'unit' | 'rounds' | 'long' | 'goals'>,
  all: readonly Size[],
): Case<SizesPlace> {
  return {
    ...base,
    better: 'higher',
    async prepare(folder) {
      const sources = new Map<Size, ArchiveFolder>()
      for (const size of all) {
        sources.set(size, await archiveFolder(folder, size.fill, size.name.replaceAll(/\W/g, '-')))
      }
      const services = await startServices()
      return { folder, sources, services, close: () => services.stop() }
    },
    own: all.map((size) => contender(size)),
    peers: [],
  }
}

const contender = (size: Size): Contender<SizesPlace> => ({
  name: size.name,
  what: 'dicom-backup run, compression: store',
  run: (place, build) => {
    const source = place.sources.get(size)
    if (source === undefined) throw new RangeError(size.name)
    return ownRun(place, build, source, 'store', size.valueOf)
  },
})

const tiny = (count: number): Size => ({
  name: count === 1 ? '1 file' : `${count / 1000}k files`,
  fill: (root) => writeStudies(root, TINY, count),
  valueOf: (ms) => count / (ms / 1000),
})

const gigabytes = (count: number): Size => ({
  name: `${count} GB`,
  fill: (root) => oneLargeFile(root, count * 1000 * MB),
  valueOf: megabytes(count * 1000 * MB),
})

type Counted = readonly [name: string, count: number]

/** How the cost of a file compares when there are more, without what each run takes to start and to end. */
const costs = (fixed: string, [small, few]: Counted, [large, many]: Counted): Goal => ({
  what: `cost per file, ${large} ÷ ${small}`,
  reached: (row) => {
    const cost = (name: string, count: number): number => (row(name).ms.median - row(fixed).ms.median) / count
    return cost(large, many) / cost(small, few)
  },
  atMost: 1.15,
})

const memory = (name: string, than: string, more: Partial<Goal> = {}): Goal => ({
  what: `peak memory, ${name} ÷ ${than}`,
  reached: (row) => row(name).peakBytes.max / row(than).peakBytes.max,
  atMost: 1.1,
  ...more,
})

export const files = sizes(
  {
    name: 'files',
    title: 'files of 4 KB, stored: cost per file and memory',
    unit: 'files/s',
    rounds: 3,
    goals: [
      costs('1 file', ['10k files', 10_000], ['100k files', 100_000]),
      memory('100k files', '10k files', { known: 'at 10,000 files the window has only just become full' }),
      peakBelow(250, '100k files'),
    ],
  },
  [tiny(1), tiny(10_000), tiny(100_000)],
)

export const filesMillion = sizes(
  {
    name: 'files-1m',
    title: 'the same up to a million',
    unit: 'files/s',
    rounds: 1,
    long: true,
    goals: [
      costs('1 file', ['10k files', 10_000], ['1000k files', 1_000_000]),
      costs('1 file', ['100k files', 100_000], ['1000k files', 1_000_000]),
      memory('1000k files', '100k files'),
      peakBelow(250, '1000k files'),
    ],
  },
  [tiny(1), tiny(10_000), tiny(100_000), tiny(1_000_000)],
)

export const bytes = sizes(
  {
    name: 'bytes',
    title: 'one file, stored: speed and memory',
    unit: 'MB/s',
    rounds: 1,
    goals: [memory('4 GB', '1 GB'), peakBelow(250, '4 GB')],
  },
  [gigabytes(1), gigabytes(4)],
)

export const bytesTwenty = sizes(
  {
    name: 'bytes-20gb',
    title: 'the same up to 20 GB',
    unit: 'MB/s',
    rounds: 1,
    long: true,
    goals: [memory('20 GB', '1 GB'), peakBelow(250, '20 GB')],
  },
  [gigabytes(1), gigabytes(20)],
)
