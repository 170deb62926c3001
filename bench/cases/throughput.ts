/** Files through the whole of it, to both services at once, beside what else could have sent them. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { sharedDicom } from '../../test/support/shared-dicom.ts'
import { CT, TINY, US, writeCopies, writeMultiFrame, writeStudies } from '../data.ts'
import type { Case, Contender, Goal, Prepared, Row } from '../harness/types.ts'
import { ours, type Setting } from '../ours.ts'
import { archiverPipe, bsdtarTee, limit, oldWay, sevenZip, yazlPipe, zipTee, type Place } from '../peers/peers.ts'
import { startServices, startSinks } from '../service-process.ts'

const MB = 1_000_000
const PEAK: Goal = { what: 'peak memory, MB', reached: (row) => (row('dicom-backup').peakBytes ?? 0) / MB, atMost: 250 }

type Row4 = (name: string) => Row
const faster =
  (than: string) =>
  (row: Row4): number =>
    row('dicom-backup').value.median / row(than).value.median
const larger =
  (than: string) =>
  (row: Row4): number =>
    (row('dicom-backup').bytesOut ?? NaN) / (row(than).bytesOut ?? NaN)

interface Throughput {
  readonly fill: (root: string) => Promise<number>
  readonly compression: Setting['compression']
  /** Beside ours. */
  readonly others: (
    place: Place,
    own: (setting: Pick<Setting, 'compression'>, name: string) => Contender,
  ) => Contender[]
  readonly goals: readonly Goal[]
}

async function prepare(folder: string, { fill, compression, others, goals }: Throughput): Promise<Prepared> {
  const root = path.join(folder, 'dicom_files')
  await mkdir(root)
  const bytes = await fill(root)
  const services = await startServices()
  const sinks = await startSinks()
  const { dropbox, googleDrive } = services
  const setting: Setting = { root, scratch: folder, compression, dropbox, googleDrive }
  const own = (change: Partial<Setting>, name?: string): Contender =>
    ours({ ...setting, ...change }, { bytes, services: [services.pid] }, name)
  return {
    contenders: [own({}), ...others({ root, scratch: folder, bytes, sinks }, own)],
    goals: [...goals, PEAK],
    close: async () => {
      await Promise.all([services.stop(), sinks.stop()])
    },
  }
}

/** Those that nothing is held against, and that take long. */
const ONCE = { once: true } as const

const common = { unit: 'MB/s', better: 'higher', rounds: 3 } as const

export const stored: Case = {
  ...common,
  name: 'stored',
  title: '1 GB of 512 KB slices, stored, to both services at once',
  prepare: (folder) =>
    prepare(folder, {
      fill: (root) => writeStudies(root, CT, 1900),
      compression: 'store',
      others: (place) => [
        limit(place),
        zipTee(place, 0),
        yazlPipe(place, 0),
        archiverPipe(place, 0, ONCE),
        bsdtarTee(place, 0, ONCE),
        sevenZip(place, 0, ONCE),
        oldWay(place, 0, ONCE),
      ],
      goals: [
        { what: 'speed ÷ plain yazl', reached: faster('yazl -0'), atLeast: 2 },
        { what: 'speed ÷ zip -0 | tee', reached: faster('zip -0 | tee'), atLeast: 1.3 },
        { what: 'speed ÷ limit', reached: faster('limit'), atLeast: 0.5 },
      ],
    }),
}

export const auto: Case = {
  ...common,
  name: 'auto',
  title: '1 GB of uncompressed CT slices, `auto` beside deflate level 1',
  rounds: 2,
  prepare: (folder) =>
    prepare(folder, {
      fill: (root) => writeStudies(root, CT, 1900),
      compression: 'auto',
      others: (place) => [
        limit(place),
        zipTee(place, 1),
        yazlPipe(place, 1),
        archiverPipe(place, 1, ONCE),
        bsdtarTee(place, 1, ONCE),
        sevenZip(place, 1, ONCE),
        zipTee(place, 6, ONCE),
      ],
      goals: [
        { what: 'speed ÷ zip -1 | tee', reached: faster('zip -1 | tee'), atLeast: 1.8 },
        { what: 'speed ÷ plain yazl at level 1', reached: faster('yazl -1'), atLeast: 2.2 },
        { what: 'output ÷ zip -1', reached: larger('zip -1 | tee'), atMost: 1.03 },
        { what: 'cores at work', reached: (row) => row('dicom-backup').cores, atLeast: 1.8 },
      ],
    }),
}

export const mixed: Case = {
  ...common,
  name: 'mixed',
  title: 'real files of all transfer syntaxes, `auto` beside deflating everything',
  prepare: (folder) =>
    prepare(folder, {
      fill: async (root) => {
        const real = sharedDicom()
        if (real !== null) return await writeCopies(root, path.join(real, 'dicom_files'), 16)
        return (
          (await writeStudies(path.join(root, 'ct'), CT, 200)) + (await writeStudies(path.join(root, 'us'), US, 400))
        )
      },
      compression: 'auto',
      others: (place, own) => [
        own({ compression: 'fast' }, 'deflating everything'),
        zipTee(place, 1),
        yazlPipe(place, 1),
      ],
      goals: [
        { what: 'output ÷ deflating everything', reached: larger('deflating everything'), atMost: 1.015 },
        { what: 'speed ÷ deflating everything', reached: faster('deflating everything'), atLeast: 1.2 },
      ],
    }),
}

export const large: Case = {
  ...common,
  name: 'large',
  title: 'two multi-frame files of 500 MB, stored',
  prepare: (folder) =>
    prepare(folder, {
      fill: async (root) =>
        (await writeMultiFrame(path.join(root, 'a.dcm'), 500 * MB)) +
        (await writeMultiFrame(path.join(root, 'b.dcm'), 500 * MB, 2)),
      compression: 'store',
      others: (place) => [limit(place), zipTee(place, 0), yazlPipe(place, 0)],
      goals: [{ what: 'speed ÷ limit', reached: faster('limit'), atLeast: 0.5 }],
    }),
}

export const small: Case = {
  ...common,
  name: 'small',
  title: '20,000 files of 4 KB, stored',
  prepare: (folder) =>
    prepare(folder, {
      fill: (root) => writeStudies(root, TINY, 20_000),
      compression: 'store',
      others: (place) => [
        limit(place),
        zipTee(place, 0),
        yazlPipe(place, 0),
        archiverPipe(place, 0, ONCE),
        bsdtarTee(place, 0),
      ],
      goals: [],
    }),
}
