/** Peak memory of a run against its size: `node bench/memory.ts`. */
import { engineRun } from './engine-run.ts'
import { manySmallFiles, oneLargeFile } from './sample-archive.ts'

const MB = 1_000_000
const CASES: readonly (readonly [name: string, fill: (root: string) => Promise<void>])[] = [
  ['one file of 150 MB', (root) => oneLargeFile(root, 150 * MB)],
  ['one file of 1.5 GB', (root) => oneLargeFile(root, 1500 * MB)],
  ['10,000 files of 4 KB', (root) => manySmallFiles(root, 10_000, 4096)],
  ['100,000 files of 4 KB', (root) => manySmallFiles(root, 100_000, 4096)],
  ['200 files of 512 KB', (root) => manySmallFiles(root, 200, 524_288)],
  ['2,000 files of 512 KB', (root) => manySmallFiles(root, 2000, 524_288)],
]

for (const [name, fill] of CASES) {
  const { code, result, ms, peakBytes, stateBytes } = await engineRun(fill, 'store')
  const megabytes = (bytes: number | null): string => (bytes === null ? '?' : (bytes / MB).toFixed(0))
  const rate = ((result.archive?.bytes ?? 0) / MB / (ms / 1000)).toFixed(0)
  console.log(
    `${name.padEnd(24)} exit ${code}  peak ${megabytes(peakBytes)} MB  state folder ${megabytes(stateBytes)} MB  ${(ms / 1000).toFixed(1)} s  ${rate} MB/s`,
  )
}
