/** Lines that are slow, uneven or long, as the stand-ins make them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { archiveFolder, CT } from '../data.ts'
import type { Case, Contender, Sample } from '../harness/types.ts'
import { ours, ownRun, type Setting } from '../ours.ts'
import { startServices } from '../service-process.ts'

const MB = 1_000_000

export const slowDestination: Case = {
  name: 'slow-destination',
  title: 'until Dropbox at 40 MB/s has the archive, with Google Drive at a tenth of that beside it',
  unit: 's',
  better: 'lower',
  rounds: 3,
  async prepare(folder) {
    const { root, bytes } = await archiveFolder(folder, CT, 380)
    const uneven = ['--bytes-per-second', String(40 * MB), '--drive-bytes-per-second', String(4 * MB)]
    const services = await startServices(...uneven)
    const setting: Setting = {
      root,
      scratch: folder,
      compression: 'store',
      dropbox: services.dropbox,
      googleDrive: null,
    }
    const run = { bytes, services: [services.pid] }
    const alone: Contender = {
      name: 'alone',
      what: 'Dropbox is the only destination',
      run: async () => untilStored(setting, run),
    }
    const both: Contender = {
      name: 'dicom-backup',
      what: 'both; the run is killed when Dropbox has its archive',
      run: () => untilStored({ ...setting, googleDrive: services.googleDrive }, run),
    }
    return {
      contenders: [both, alone],
      goals: [
        {
          what: 'the fast one’s time ÷ its time alone',
          reached: (row) => row('dicom-backup').value.median / row('alone').value.median,
          atMost: 1.1,
        },
      ],
      close: () => services.stop(),
    }
  },
}

/** A run until its log tells that Dropbox has the archive, which ends it. The value is seconds. */
async function untilStored(
  setting: Setting,
  { bytes, services }: { readonly bytes: number; readonly services: readonly number[] },
): Promise<Sample> {
  const started = performance.now()
  let ms = NaN
  const ended = new AbortController()
  const watch = async (pid: number, folder: string): Promise<void> => {
    const log = path.join(folder, 'logs/backup_scheduler.log')
    while (!ended.signal.aborted) {
      const text = await readFile(log, 'utf8').catch(() => '')
      if (text.split('\n').some((line) => line.includes('stored and verified') && line.includes('"dropbox"'))) {
        ms = performance.now() - started
        process.kill(pid, 'SIGKILL')
        return
      }
      await sleep(10)
    }
  }
  let watching: Promise<void> = Promise.resolve()
  const onStart = (pid: number, folder: string): void => {
    watching = watch(pid, folder)
  }
  try {
    const run = await ownRun(setting, { bytes, services, onStart, mayBeKilled: true })
    return { ...run, ms, value: ms / 1000 }
  } finally {
    ended.abort()
    await watching
  }
}

const LINE_BYTES = 12_500_000

export const line: Case = {
  name: 'line',
  title: '500 MB over a line of 100 Mbit/s with 200 ms of latency to each service',
  unit: 'MB/s to each',
  better: 'higher',
  rounds: 1,
  async prepare(folder) {
    const { root, bytes } = await archiveFolder(folder, CT, 950)
    const services = await startServices('--bytes-per-second', String(LINE_BYTES), '--latency-ms', '200')
    const { dropbox, googleDrive, pid } = services
    const setting: Setting = { root, scratch: folder, compression: 'store', dropbox, googleDrive }
    return {
      contenders: [ours(setting, { bytes, services: [pid] })],
      goals: [
        {
          what: 'share of the line rate, at both at once',
          reached: (row) => (row('dicom-backup').value.median * MB) / LINE_BYTES,
          atLeast: 0.85,
        },
        { what: 'peak memory, MB', reached: (row) => (row('dicom-backup').peakBytes ?? 0) / MB, atMost: 250 },
      ],
      close: () => services.stop(),
    }
  },
}
