/** An archive brought back from a local folder, every file checked against the manifest, beside `unzip` and 7-Zip. */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import { builtProgram } from '../built-program.ts'
import { CT, TINY, writeStudies } from '../data.ts'
import { watched, type Watched } from '../harness/watched.ts'
import type { Case, Contender, Prepared, Sample } from '../harness/types.ts'

const MB = 1_000_000

interface Setting {
  readonly fill: (root: string) => Promise<number>
  readonly compression: 'store' | 'fast'
  readonly atLeast: number
}

async function prepare(folder: string, { fill, compression, atLeast }: Setting): Promise<Prepared> {
  const root = path.join(folder, 'dicom_files')
  const nas = path.join(folder, 'nas')
  const config = path.join(folder, 'dicom-backup.yaml')
  await mkdir(root)
  await mkdir(nas)
  const bytes = await fill(root)
  const destinations = [{ name: 'nas', type: 'local', folder: nas }]
  const program = await builtProgram()
  await writeFile(config, stringify({ dicom: { root }, archive: { compression }, destinations }))
  await must('dicom-backup run', process.execPath, [program, 'run', '--json', '--config', config])
  const [name = ''] = await readdir(nas)
  const archive = path.join(nas, name)
  const { size } = await stat(archive)

  /** Into a folder of its own, whose removal is not measured. */
  const contender = (name: string, what: string, run: (to: string) => Promise<Watched>): Contender => ({
    name,
    what,
    async run(): Promise<Sample> {
      const to = await mkdtemp(path.join(folder, 'to-'))
      try {
        const { ms, peakBytes, cpuMs } = await run(to)
        return { value: bytes / MB / (ms / 1000), ms, peakBytes, cpuMs, bytesOut: size }
      } finally {
        await rm(to, { recursive: true })
      }
    },
  })
  const ours = (to: string): Promise<Watched> =>
    must('restore', process.execPath, [program, 'restore', '--to', to, '--json', '--config', config])
  return {
    contenders: [
      contender('dicom-backup', 'dicom-backup restore --to, CRC and SHA-256 of every file checked', ours),
      contender('unzip', 'unzip -q', (to) => must('unzip', 'unzip', ['-q', archive, '-d', to])),
      contender('7z', '7z x', (to) => must('7z', '7z', ['x', '-bso0', '-bsp0', `-o${to}`, archive])),
    ],
    goals: [
      {
        what: 'speed ÷ unzip',
        reached: (row) => row('dicom-backup').value.median / row('unzip').value.median,
        atLeast,
      },
      { what: 'peak memory, MB', reached: (row) => (row('dicom-backup').peakBytes ?? 0) / MB, atMost: 250 },
    ],
  }
}

async function must(what: string, command: string, args: readonly string[]): Promise<Watched> {
  const run = await watched(command, args)
  if (run.code !== 0) throw new Error(`${what}: exit ${run.code}\n${run.stdout}\n${run.stderr}`)
  return run
}

const common = { unit: 'MB/s', better: 'higher', rounds: 3 } as const

export const restoreStored: Case = {
  ...common,
  name: 'restore-stored',
  title: 'restore of 1 GB of 512 KB slices, stored',
  prepare: (folder) =>
    prepare(folder, { fill: (root) => writeStudies(root, CT, 1900), compression: 'store', atLeast: 0.8 }),
}

export const restoreDeflated: Case = {
  ...common,
  name: 'restore-deflated',
  title: 'restore of 1 GB of 512 KB slices, deflated',
  prepare: (folder) =>
    prepare(folder, { fill: (root) => writeStudies(root, CT, 1900), compression: 'fast', atLeast: 1 }),
}

export const restoreSmall: Case = {
  ...common,
  rounds: 2,
  name: 'restore-small',
  title: 'restore of 10,000 files of 4 KB',
  prepare: (folder) =>
    prepare(folder, { fill: (root) => writeStudies(root, TINY, 10_000), compression: 'store', atLeast: 0.8 }),
}
