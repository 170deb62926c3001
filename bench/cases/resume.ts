/**
 * From the start of a process that resumes a killed run to the first new byte at each service. The run is killed when 90 %
 * of its archive has come to one of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { archiveFolder, type ArchiveFolder } from '../data.ts'
import { kill, watched } from '../harness/watched.ts'
import type { Build, Case, Contender, Goal, Sample } from '../harness/types.ts'
import { heldOf, inRunFolder, provenRun, wordsOf, writeConfig, type ServicesPlace } from '../ours.ts'
import { manySmallFiles, oneLargeFile } from '../sample-archive.ts'
import { startServices, type StandIns } from '../services/process.ts'

const MB = 1_000_000
/** The share that has come to the faster one when the run is killed. */
const KILLED_AT = 0.9

interface Size {
  readonly name: string
  readonly fill: (root: string) => Promise<void>
}

interface ResumePlace extends ServicesPlace {
  /** Of the sizes that have run: each is made before its warm-up. */
  readonly sources: Map<Size, ArchiveFolder>
}

const SIZES: readonly Size[] = [
  { name: '200 MB in files of 512 KB', fill: (root) => manySmallFiles(root, 400, 500_000) },
  { name: '2 GB in files of 512 KB', fill: (root) => manySmallFiles(root, 4000, 500_000) },
  { name: '2 GB in one file', fill: (root) => oneLargeFile(root, 2000 * MB) },
  { name: '100,000 files of 4 KB', fill: (root) => manySmallFiles(root, 100_000, 4096) },
]

export const resume: Case<ResumePlace> = {
  name: 'resume',
  title: 'killed at 90 %, from the start of the next process to the first new byte at each service',
  unit: 's',
  better: 'lower',
  rounds: 2,
  async prepare(folder) {
    const services = await startServices()
    return { folder, sources: new Map(), services, close: () => services.stop() }
  },
  own: SIZES.map((size): Contender<ResumePlace> => ({
    name: size.name,
    what: 'dicom-backup run, killed, and dicom-backup run again',
    run: async (place, build) => resumed(place.services, build, await sourceOf(place, size)),
  })),
  peers: [],
  goals: SIZES.map(({ name }): Goal => ({ what: `s, ${name}`, reached: (row) => row(name).value.max, atMost: 2 })),
}

async function sourceOf({ folder, sources }: ResumePlace, size: Size): Promise<ArchiveFolder> {
  const source = sources.get(size) ?? (await archiveFolder(folder, size.fill, size.name.replaceAll(/\W/g, '-')))
  sources.set(size, source)
  return source
}

/** The value is seconds to the later one's first byte; the other figures are of the resuming process to its end. */
function resumed(services: StandIns, build: Build, { root, files, bytes }: ArchiveFolder): Promise<Sample> {
  return inRunFolder(build, async (folder) => {
    const config = await writeConfig(folder, { root, compression: 'store', services })
    const words = wordsOf(build, 'run', '--json', '--config', config)
    await killedRun(services, words, KILLED_AT * bytes)
    // What the killed one had handed to the system is read by now, and counts for nobody.
    await sleep(200)
    const had = await services.ask('watch')
    const before = services.cpuMs()
    const started = performance.timeOrigin + performance.now()
    const { code, stdout, stderr, ms, peakBytes, cpuMs } = await watched(process.execPath, words)
    if (code !== 0) throw new Error(`run: exit ${code}\n${stdout}\n${stderr}`)
    const taken = services.cpuMs() - before
    const result = JSON.parse(stdout) as RunResult
    if (!result.resumed) throw new Error('the second run did not resume the first one')
    const arrived = await services.ask('arrived')
    const bytesOut = provenRun(result, files, arrived, folder)
    // One that had the archive already gets nothing.
    const lacking = (['dropbox', 'googleDrive'] as const).filter((name) => heldOf(had[name], folder) === 0)
    const first = lacking.map((name) => arrived[name].firstAt ?? NaN)
    if (first.length === 0 || first.some(Number.isNaN))
      throw new Error('no new byte came to a service that lacked some')
    return { value: (Math.max(...first) - started) / 1000, ms, peakBytes, cpuMs: cpuMs + taken, bytesOut }
  })
}

/** A run that is killed when so many bytes have come to one of them. Throws when it ends before. */
async function killedRun(services: StandIns, words: readonly string[], atBytes: number): Promise<void> {
  await services.ask('mark')
  const running = new AbortController()
  const killWhenReached = async (pid: number): Promise<void> => {
    while (!running.signal.aborted) {
      const { dropbox, googleDrive } = await services.ask('arrived')
      if (Math.max(dropbox.bytes, googleDrive.bytes) >= atBytes) {
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
