/** What a person, or cron every few minutes, waits for. */
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { builtProgram } from '../built-program.ts'
import { archiveFolder, TINY } from '../data.ts'
import { watched } from '../harness/watched.ts'
import type { Case, Contender } from '../harness/types.ts'
import { writeConfig } from '../ours.ts'
import { startServices } from '../service-process.ts'

const MB = 1_000_000

function command(
  name: string,
  what: string,
  words: () => Promise<readonly string[]>,
  valueOf: (ms: number) => number,
): Contender {
  return {
    name,
    what,
    run: async () => {
      const [program = '', ...args] = await words()
      const { code, stderr, ms, peakBytes, cpuMs } = await watched(program, args)
      if (code !== 0) throw new Error(`${name}: exit ${code}\n${stderr}`)
      return { value: valueOf(ms), ms, peakBytes, cpuMs, bytesOut: null }
    },
  }
}

/** Where the program keeps what Node has made of its modules (src/cli/main.ts). */
const compiled = (program: string): string => path.join(path.dirname(program), '../../node_modules/.cache/dicom-backup')

export const startUp: Case = {
  name: 'start-up',
  title: 'short commands: the hourly call when nothing is due',
  unit: 'ms',
  better: 'lower',
  rounds: 9,
  async prepare(folder) {
    const { root } = await archiveFolder(folder, TINY, 1)
    const services = await startServices()
    const { dropbox, googleDrive } = services
    const config = await writeConfig(folder, { root, scratch: folder, compression: 'store', dropbox, googleDrive })
    const program = await builtProgram()
    const own = (...words: readonly string[]): readonly string[] => [process.execPath, program, ...words]
    const hourly = own('run', '--if-due', '--json', '--config', config)
    // The slot is served now, and the next one is up to a day away.
    await mustBe('completed', hourly)
    await mustBe('skipped', hourly)
    const cold = async (): Promise<readonly string[]> => {
      await rm(compiled(program), { recursive: true, force: true })
      return hourly
    }
    const warm = (): Promise<readonly string[]> => Promise.resolve(hourly)
    const ms = (value: number): number => value
    return {
      contenders: [
        command('run --if-due', 'nothing is due, as each hour finds it', warm, ms),
        command('the first time', 'the same, and nothing is compiled yet', cold, ms),
        command('--version', 'dicom-backup --version', () => Promise.resolve(own('--version')), ms),
        command('node -e 0', 'Node alone', () => Promise.resolve([process.execPath, '-e', '0']), ms),
      ],
      goals: [
        {
          what: 'run --if-due − node -e 0, ms',
          reached: (row) => row('run --if-due').value.median - row('node -e 0').value.median,
          atMost: 150,
        },
      ],
      close: () => services.stop(),
    }
  },
}

/** Runs the hourly call and throws when something else has come of it. */
async function mustBe(status: string, [node = '', ...args]: readonly string[]): Promise<void> {
  const { stdout, stderr } = await watched(node, args)
  const { status: found } = JSON.parse(stdout) as { readonly status?: unknown }
  if (found !== status) throw new Error(`run --if-due: ${String(found)}, not ${status}\n${stderr}`)
}

const FILES = 100_000

export const dryRun: Case = {
  name: 'dry-run',
  title: `what a run would do: ${FILES} DICOM files, headers read, warm cache`,
  unit: 'files/s',
  better: 'higher',
  rounds: 3,
  async prepare(folder) {
    const { root } = await archiveFolder(folder, TINY, FILES)
    const services = await startServices()
    const { dropbox, googleDrive } = services
    const config = await writeConfig(folder, { root, scratch: folder, compression: 'auto', dropbox, googleDrive })
    const program = await builtProgram()
    const perSecond = (ms: number): number => FILES / (ms / 1000)
    const dry = [process.execPath, program, 'run', '--dry-run', '--json', '--config', config]
    return {
      contenders: [
        command('dicom-backup', 'dicom-backup run --dry-run', () => Promise.resolve(dry), perSecond),
        command(
          'find',
          'find -type f -printf, which reads no file',
          () => Promise.resolve(['sh', '-c', `find ${root} -type f -printf '%p %s %T@\\n' | wc -l`]),
          perSecond,
        ),
      ],
      goals: [
        { what: 'files a second', reached: (row) => row('dicom-backup').value.median, atLeast: 8000 },
        { what: 'peak memory, MB', reached: (row) => (row('dicom-backup').peakBytes ?? 0) / MB, atMost: 250 },
      ],
      close: () => services.stop(),
    }
  },
}

/** The walk as a run makes it, by the built program. `ROOT FILE` are its arguments. */
const writePlan = (program: string): string => {
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
function planOf(count: number): Pick<Case, 'title' | 'unit' | 'better' | 'prepare'> {
  return {
    title: `the plan of ${count} files, beside find -printf`,
    unit: 's',
    better: 'lower',
    async prepare(folder) {
      const { root } = await archiveFolder(folder, TINY, count)
      const seconds = (ms: number): number => ms / 1000
      const script = writePlan(await builtProgram())
      const own = async (): Promise<readonly string[]> => {
        const file = path.join(await mkdtemp(path.join(folder, 'plan-')), 'plan.ndjson')
        return [process.execPath, '--eval', script, root, file]
      }
      const find = ['sh', '-c', `find ${root} -type f -printf '%p %s %T@\\n' > ${folder}/found`]
      return {
        contenders: [
          command('dicom-backup', 'the walk and its file, flushed', own, seconds),
          command('find', 'find -type f -printf into a file', () => Promise.resolve(find), seconds),
        ],
        goals: [
          {
            what: 'time ÷ find -printf',
            reached: (row) => row('dicom-backup').value.median / row('find').value.median,
            atMost: 5,
          },
        ],
      }
    },
  }
}

export const plan: Case = { ...planOf(FILES), name: 'plan', rounds: 5 }

export const planMillion: Case = { ...planOf(1_000_000), name: 'plan-1m', rounds: 3, long: true }
