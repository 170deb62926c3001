/** What cron waits for every hour. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { archiveFolder, TINY, writeStudies } from '../data.ts'
import type { Build, Case, Contender } from '../harness/types.ts'
import { wordsOf, writeConfig, type ServicesPlace, type Source } from '../ours.ts'
import { startServices } from '../services/process.ts'
import { command, must } from './command.ts'

type StartPlace = ServicesPlace & Source

const ms = (value: number): number => value

const own = (build: Build, ...words: readonly string[]): readonly string[] => [
  process.execPath,
  ...wordsOf(build, ...words),
]
const hourly = (build: Build): readonly string[] =>
  own(build, 'run', '--if-due', '--json', '--config', path.join(build.folder, 'dicom-backup.yaml'))

function mustBe(status: string, stdout: string): void {
  const { status: found } = JSON.parse(stdout) as { readonly status?: unknown }
  if (found !== status) throw new Error(`run --if-due: ${String(found)}, not ${status}`)
}

const nothingDue = (
  name: string,
  what: string,
  words: (build: Build) => readonly string[] | Promise<readonly string[]>,
): Contender<StartPlace> =>
  command({
    name,
    what,
    words: (_, build) => words(build),
    valueOf: ms,
    check: ({ stdout }) => {
      mustBe('skipped', stdout)
    },
  })

/** Where the program keeps what Node has made of its modules (src/cli/main.ts). */
const compiled = ({ program }: Build): string =>
  path.join(path.dirname(program), '../../node_modules/.cache/dicom-backup')

export const startUp: Case<StartPlace> = {
  name: 'start-up',
  title: 'short commands: the hourly call when nothing is due',
  unit: 'ms',
  better: 'lower',
  rounds: 9,
  async prepare(folder) {
    const source = await archiveFolder(folder, (root) => writeStudies(root, TINY, 1))
    const services = await startServices()
    return { folder, ...source, services, close: () => services.stop() }
  },
  /** The slot is served now, and the next one is up to a day away. */
  async setUp({ root, services }, build) {
    await writeConfig(build.folder, { root, compression: 'store', services })
    for (const status of ['completed', 'skipped']) mustBe(status, (await must(...hourly(build))).stdout)
  },
  own: [
    nothingDue('run --if-due', 'nothing is due, as each hour finds it', hourly),
    nothingDue('the first time', 'the same, and nothing is compiled yet', async (build) => {
      await rm(compiled(build), { recursive: true, force: true })
      return hourly(build)
    }),
    command({
      name: '--version',
      what: 'dicom-backup --version',
      words: (_, build) => own(build, '--version'),
      valueOf: ms,
    }),
  ],
  peers: [command({ name: 'node -e 0', what: 'Node alone', words: () => [process.execPath, '-e', '0'], valueOf: ms })],
  goals: [
    {
      what: 'run --if-due − node -e 0, ms',
      reached: (row) => row('run --if-due').value.median - row('node -e 0').value.median,
      atMost: 150,
    },
  ],
}
