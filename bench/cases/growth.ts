/** What must not grow: cost per file with their number, memory with either. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { TINY, writeStudies } from '../data.ts'
import type { Case, Contender, Goal } from '../harness/types.ts'
import { ours, type Setting } from '../ours.ts'
import { oneLargeFile } from '../sample-archive.ts'
import { startServices } from '../service-process.ts'

const MB = 1_000_000

interface Size {
  readonly name: string
  /** Fills the folder; gives what the value counts. */
  readonly fill: (root: string) => Promise<number>
}

/** Ours at several sizes, each with its own folder. The value is `per` of what `fill` gave a second. */
function sizes(
  base: Pick<Case, 'name' | 'title' | 'unit' | 'rounds' | 'long'>,
  all: readonly Size[],
  per: number,
  goals: readonly Goal[],
): Case {
  return {
    ...base,
    better: 'higher',
    async prepare(folder) {
      const services = await startServices()
      const { dropbox, googleDrive, pid } = services
      const contenders: Contender[] = []
      for (const { name, fill } of all) {
        const root = path.join(folder, name.replaceAll(/\W/g, '-'))
        await mkdir(root)
        const amount = await fill(root)
        const setting: Setting = { root, scratch: folder, compression: 'store', dropbox, googleDrive }
        contenders.push(ours(setting, { bytes: (amount / per) * MB, services: [pid] }, name))
      }
      return { contenders, goals, close: () => services.stop() }
    },
  }
}

const tiny = (count: number): Size => ({
  name: count === 1 ? '1 file' : `${count / 1000}k files`,
  fill: async (root) => {
    await writeStudies(root, TINY, count)
    return count
  },
})

const gigabytes = (count: number): Size => ({
  name: `${count} GB`,
  fill: async (root) => {
    await oneLargeFile(root, count * 1000 * MB)
    return count * 1000 * MB
  },
})

/** How the cost of a file compares when there are more, without what each run takes to start and to end. */
const costs = (fixed: string, [small, few]: Counted, [large, many]: Counted): Goal => ({
  what: `cost per file, ${large} ÷ ${small}`,
  reached: (row) => {
    const cost = (name: string, count: number): number => (row(name).ms.median - row(fixed).ms.median) / count
    return cost(large, many) / cost(small, few)
  },
  atMost: 1.15,
})

type Counted = readonly [name: string, count: number]

const memory = (name: string, than?: string): Goal =>
  than === undefined
    ? { what: `peak memory of ${name}, MB`, reached: (row) => (row(name).peakBytes ?? 0) / MB, atMost: 250 }
    : {
        what: `peak memory, ${name} ÷ ${than}`,
        reached: (row) => (row(name).peakBytes ?? 0) / (row(than).peakBytes ?? NaN),
        atMost: 1.1,
      }

export const files = sizes(
  { name: 'files', title: 'files of 4 KB, stored: cost per file and memory', unit: 'files/s', rounds: 3 },
  [tiny(1), tiny(10_000), tiny(100_000)],
  1,
  [
    costs('1 file', ['10k files', 10_000], ['100k files', 100_000]),
    memory('100k files', '10k files'),
    memory('100k files'),
  ],
)

export const filesMillion = sizes(
  { name: 'files-1m', title: 'the same up to a million', unit: 'files/s', rounds: 1, long: true },
  [tiny(1), tiny(10_000), tiny(100_000), tiny(1_000_000)],
  1,
  [
    costs('1 file', ['10k files', 10_000], ['1000k files', 1_000_000]),
    costs('1 file', ['100k files', 100_000], ['1000k files', 1_000_000]),
    memory('1000k files', '10k files'),
    memory('1000k files'),
  ],
)

export const bytes = sizes(
  { name: 'bytes', title: 'one file, stored: speed and memory', unit: 'MB/s', rounds: 1 },
  [gigabytes(1), gigabytes(4)],
  MB,
  [memory('4 GB', '1 GB'), memory('4 GB')],
)

export const bytesTwenty = sizes(
  { name: 'bytes-20gb', title: 'the same up to 20 GB', unit: 'MB/s', rounds: 1, long: true },
  [gigabytes(1), gigabytes(20)],
  MB,
  [memory('20 GB', '1 GB'), memory('20 GB')],
)
