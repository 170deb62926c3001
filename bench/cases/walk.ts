/** What a person waits for before anything is sent: the plan of a run, and a dry run. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { DryRunResult } from '../../src/stages/contract/results.ts'
import { archiveFolder, TINY, writeStudies, type ArchiveFolder } from '../data.ts'
import type { Build, Case, Place } from '../harness/types.ts'
import { wordsOf, writeConfig, type ServicesPlace } from '../ours.ts'
import { startServices } from '../services/process.ts'
import { bash, command } from './command.ts'
import { peakBelow } from './goals.ts'

type DryRunPlace = ServicesPlace & ArchiveFolder
type PlanPlace = Place & ArchiveFolder

const FILES = 100_000
const perSecond = (ms: number, { files }: Pick<ArchiveFolder, 'files'>): number => files / (ms / 1000)
const seconds = (ms: number): number => ms / 1000

function mustFind(found: number, { files }: Pick<ArchiveFolder, 'files'>): void {
  if (found !== files) throw new Error(`It found ${found} files, not ${files}.`)
}

/** How many lines of a file there are, or how many that begin as `start` says. */
async function linesIn(file: string, start = /^/gm): Promise<number> {
  const text = (await readFile(file, 'latin1')).trimEnd()
  return text.matchAll(start).reduce((sum) => sum + 1, 0)
}

export const dryRun: Case<DryRunPlace> = {
  name: 'dry-run',
  title: `what a run would do: ${FILES} DICOM files, headers read, warm cache`,
  unit: 'files/s',
  better: 'higher',
  rounds: 3,
  async prepare(folder) {
    const source = await archiveFolder(folder, (root) => writeStudies(root, TINY, FILES))
    const services = await startServices()
    return { folder, ...source, services, close: () => services.stop() }
  },
  async setUp({ root, services }, build) {
    await writeConfig(build.folder, { root, compression: 'auto', services })
  },
  own: [
    command<DryRunPlace>({
      name: 'dicom-backup',
      what: 'dicom-backup run --dry-run',
      words: (_, build) => {
        const config = path.join(build.folder, 'dicom-backup.yaml')
        return [process.execPath, ...wordsOf(build, 'run', '--dry-run', '--json', '--config', config)]
      },
      valueOf: perSecond,
      check: ({ stdout }, place) => {
        mustFind((JSON.parse(stdout) as DryRunResult).files, place)
      },
    }),
  ],
  peers: [
    command<DryRunPlace>({
      name: 'find',
      what: 'find -type f -printf, which reads no file',
      needs: ['bash', 'find', 'wc'],
      words: ({ root }) => bash(`find "$1" -type f -printf '%p %s %T@\\n' | wc -l`, root),
      valueOf: perSecond,
      check: ({ stdout }, place) => {
        mustFind(Number(stdout), place)
      },
    }),
  ],
  goals: [
    { what: 'files a second', reached: (row) => row('dicom-backup').value.median, atLeast: 8000 },
    peakBelow(250),
  ],
}

/** The walk as a run makes it, by a build. `ROOT FILE` are its arguments. */
const writePlan = ({ program }: Build): string => {
  const [keep, plan] = ['small-heap.js', '../stages/plan/plan-file.js'].map((one) =>
    path.join(path.dirname(program), one),
  )
  return `
    const [root, file] = process.argv.slice(1)
    const options = { include: ['**/*'], exclude: [], skipFolders: [] }
    const modules = [import(${JSON.stringify(keep)}), import(${JSON.stringify(plan)})]
    Promise.all(modules).then(([{ keepHeapSmall }, { writePlan }]) => {
      keepHeapSmall()
      return writePlan(file, root, options, new AbortController().signal)
    })`
}

/** Of `count` files: what the plan takes, beside `find`. */
const planOf = (count: number): Omit<Case<PlanPlace>, 'name' | 'rounds'> => ({
  title: `the plan of ${count} files, beside find -printf`,
  unit: 's',
  better: 'lower',
  async prepare(folder) {
    return { folder, ...(await archiveFolder(folder, (root) => writeStudies(root, TINY, count))) }
  },
  own: [
    command<PlanPlace>({
      name: 'dicom-backup',
      what: 'the walk and its file, flushed',
      words: async ({ root }, build) => {
        const file = path.join(build.folder, 'plan.ndjson')
        await rm(file, { force: true })
        return [process.execPath, '--eval', writePlan(build), root, file]
      },
      valueOf: seconds,
      // Each file is an array; what else there is depends on the version.
      check: async (_, place, words) => {
        mustFind(await linesIn(words.at(-1) ?? '', /^\["/gm), place)
      },
    }),
  ],
  peers: [
    command<PlanPlace>({
      name: 'find',
      what: 'find -type f -printf into a file',
      needs: ['bash', 'find'],
      words: ({ root, folder }) =>
        bash(`find "$1" -type f -printf '%p %s %T@\\n' > "$2"`, root, path.join(folder, 'found')),
      valueOf: seconds,
      check: async (_, place, words) => {
        mustFind(await linesIn(words.at(-1) ?? ''), place)
      },
    }),
  ],
  goals: [
    {
      what: 'time ÷ find -printf',
      reached: (row) => row('dicom-backup').value.median / row('find').value.median,
      atMost: 5,
    },
  ],
})

export const plan: Case<PlanPlace> = { ...planOf(FILES), name: 'plan', rounds: 5 }

export const planMillion: Case<PlanPlace> = { ...planOf(1_000_000), name: 'plan-1m', rounds: 3, long: true }
