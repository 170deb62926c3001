/** Lines that are slow, uneven or long, as the stand-ins make them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { archiveFolder, CT, writeStudies } from '../data.ts'
import { kill, watched } from '../harness/watched.ts'
import type { Build, Case, Contender, Sample } from '../harness/types.ts'
import { heldOf, inRunFolder, ours, wordsOf, writeConfig, type ServicesPlace, type Source } from '../ours.ts'
import { startServices } from '../services/process.ts'
import { peakBelow } from './goals.ts'

const MB = 1_000_000

type LinesPlace = ServicesPlace & Source

async function prepare(folder: string, slices: number, ...line: readonly string[]): Promise<LinesPlace> {
  const source = await archiveFolder(folder, (root) => writeStudies(root, CT, slices))
  const services = await startServices(...line)
  return { folder, ...source, services, close: () => services.stop() }
}

const untilDropboxHasIt = (name: string, what: string, isDropboxAlone: boolean): Contender<LinesPlace> => ({
  name,
  what,
  run: (place, build) => untilStored(place, build, isDropboxAlone),
})

export const slowDestination: Case<LinesPlace> = {
  name: 'slow-destination',
  title: 'until Dropbox at 40 MB/s has the archive, with Google Drive at a tenth of that beside it',
  unit: 's',
  better: 'lower',
  rounds: 3,
  prepare: (folder) =>
    prepare(folder, 380, '--bytes-per-second', String(40 * MB), '--drive-bytes-per-second', String(4 * MB)),
  own: [
    untilDropboxHasIt('dicom-backup', 'both; the run is killed when Dropbox has its archive', false),
    untilDropboxHasIt('alone', 'Dropbox is the only destination', true),
  ],
  peers: [],
  goals: [
    {
      what: 'the fast one’s time ÷ its time alone',
      reached: (row) => row('dicom-backup').value.median / row('alone').value.median,
      atMost: 1.1,
    },
  ],
}

/** A run until Dropbox has the archive, whole under its name, which ends it. The value is seconds. */
function untilStored(place: LinesPlace, build: Build, isDropboxAlone: boolean): Promise<Sample> {
  const { root, bytes, services } = place
  return inRunFolder(build, async (folder) => {
    const config = await writeConfig(folder, { root, compression: 'store', services, isDropboxAlone })
    const before = services.cpuMs()
    const started = performance.now()
    const running = new AbortController()
    let seen: Promise<{ readonly ms: number; readonly held: number } | null> = Promise.resolve(null)
    const watch = async (pid: number): Promise<{ readonly ms: number; readonly held: number } | null> => {
      for (;;) {
        const hasEnded = running.signal.aborted
        const held = heldOf((await services.ask('arrived')).dropbox, folder)
        if (held > 0) {
          const ms = performance.now() - started
          kill(pid)
          return { ms, held }
        }
        if (hasEnded) return null
        await sleep(10)
      }
    }
    const run = await watched(process.execPath, wordsOf(build, 'run', '--json', '--config', config), {
      onStart: (pid) => {
        seen = watch(pid)
        // It is awaited below, once the run has ended.
        seen.catch(() => undefined)
      },
    })
    running.abort()
    const stored = await seen
    if (stored === null || stored.held < bytes) {
      throw new Error(
        `run: exit ${run.code ?? ''}, Dropbox has ${stored?.held ?? 0} bytes\n${run.stdout}\n${run.stderr}`,
      )
    }
    const { ms, held } = stored
    const cpuMs = run.cpuMs + services.cpuMs() - before
    return { value: ms / 1000, ms, peakBytes: run.peakBytes, cpuMs, bytesOut: held }
  })
}

const LINE_BYTES = 12_500_000

export const line: Case<LinesPlace> = {
  name: 'line',
  title: '500 MB over a line of 100 Mbit/s with 200 ms of latency to each service',
  unit: 'MB/s to each',
  better: 'higher',
  rounds: 1,
  prepare: (folder) => prepare(folder, 950, '--bytes-per-second', String(LINE_BYTES), '--latency-ms', '200'),
  own: [ours('store')],
  peers: [],
  goals: [
    {
      what: 'share of the line rate, at both at once',
      reached: (row) => (row('dicom-backup').value.median * MB) / LINE_BYTES,
      atLeast: 0.85,
    },
    peakBelow(250),
  ],
}
