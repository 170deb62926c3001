/**
 * From the start of a process that resumes a killed run to the first new byte at both services. The run is killed when
 * 90 % of its archive has come to both.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { archiveFolder, type ArchiveFolder } from '../data.ts'
import { kill, watched } from '../harness/watched.ts'
import type { Build, Case, Contender, Goal, Sample } from '../harness/types.ts'
import { inRunFolder, provenRun, wordsOf, writeConfig, type ServicesPlace } from '../ours.ts'
import { manySmallFiles, oneLargeFile } from '../sample-archive.ts'
import { startServices, type StandIns } from '../services/process.ts'

const MB = 1_000_000
/** How much is left when the run is killed. */
const KILLED_AT = 0.9

interface Size {
  readonly name: string
  readonly fill: (root: string) => Promise<void>
}

interface ResumePlace extends ServicesPlace {
  readonly sources: ReadonlyMap<Size, ArchiveFolder>
}

const SIZES: readonly Size[] = [
  { name: '200 MB in files of 512 KB', fill: (root) => manySmallFiles(root, 400, 500_000) },
  { name: '2 GB in files of 512 KB', fill: (root) => manySmallFiles(root, 4000, 500_000) },
  { name: '2 GB in one file', fill: (root) => oneLargeFile(root, 2000 * MB) },
  { name: '100,000 files of 4 KB', fill: (root) => manySmallFiles(root, 100_000, 4096) },
]

export const resume: Case<ResumePlace> = {
  name: 'resume',
  title: 'killed at 90 %, from the start of the next process to the first new byte at both services',
  unit: 's',
  better: 'lower',
  rounds: 2,
  async prepare(folder) {
    const sources = new Map<Size, ArchiveFolder>()
    for (const size of SIZES) {
      sources.set(size, await archiveFolder(folder, size.fill, size.name.replaceAll(/\W/g, '-')))
    }
    const services = await startServices()
    return { folder, sources, services, close: () => services.stop() }
  },
  own: SIZES.map((size): Contender<ResumePlace> => ({
    name: size.name,
    what: 'dicom-backup run, killed, and dicom-backup run again',
    run: ({ services, sources }, build) => {
      const source = sources.get(size)
      if (source === undefined) throw new RangeError(size.name)
      return resumed(services, build, source)
    },
  })),
  peers: [],
  goals: SIZES.map(({ name }): Goal => ({ what: `s, ${name}`, reached: (row) => row(name).value.max, atMost: 2 })),
}

/** The value is seconds to the later one's first byte; the other figures are of the resuming process to its end. */
function resumed(services: StandIns, build: Build, { root, files, bytes }: ArchiveFolder): Promise<Sample> {
  return inRunFolder(build, async (folder) => {
    const config = await writeConfig(folder, { root, compression: 'store', services })
    const words = wordsOf(build, 'run', '--json', '--config', config)
    await killedRun(services, words, KILLED_AT * bytes)
    // What the killed one had handed to the system is read by now, and counts for nobody.
    await sleep(200)
    await services.ask('watch')
    const before = services.cpuMs()
    const started = performance.timeOrigin + performance.now()
    const { code, stdout, stderr, ms, peakBytes, cpuMs } = await watched(process.execPath, words)
    if (code !== 0) throw new Error(`run: exit ${code}\n${stdout}\n${stderr}`)
    const taken = services.cpuMs() - before
    const result = JSON.parse(stdout) as RunResult
    if (!result.resumed) throw new Error('the second run did not resume the first one')
    const arrived = await services.ask('arrived')
    const bytesOut = provenRun(result, files, arrived, folder)
    const [one, other] = [arrived.dropbox.firstAt, arrived.googleDrive.firstAt]
    if (one === null || other === null) throw new Error('no new byte came to one of the services')
    return { value: (Math.max(one, other) - started) / 1000, ms, peakBytes, cpuMs: cpuMs + taken, bytesOut }
  })
}

/** A run that is killed when so many bytes have come to both. Throws when it ends before. */
async function killedRun(services: StandIns, words: readonly string[], atBytes: number): Promise<void> {
  await services.ask('mark')
  const running = new AbortController()
  const killWhenReached = async (pid: number): Promise<void> => {
    while (!running.signal.aborted) {
      const { dropbox, googleDrive } = await services.ask('arrived')
      if (Math.min(dropbox.bytes, googleDrive.bytes) >= atBytes) {
        kill(pid)
        return
      }
      await sleep(10)
    }
  }
  let killing: Promise<void> = Promise.resolve()
  const run = await watched(process.execPath, words, {
    onStart: (pid) => {
      killing = killWhenReached(pid)
      // It is awaited below, once the run has ended.
      killing.catch(() => undefined)
    },
  })
  running.abort()
  await killing
  if (run.signal !== 'SIGKILL') throw new Error(`the first run ended before it was killed: exit ${run.code ?? ''}`)
}
