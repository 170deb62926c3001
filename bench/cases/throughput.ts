/** Files through the whole of it, to both services at once, beside what else could have sent them. */
import path from 'node:path'
import { noSharedDicom, sharedDicom } from '../../test/support/shared-dicom.ts'
import { archiveFolder, CT, TINY, writeCopies, writeMultiFrame, writeStudies } from '../data.ts'
import { coresOf } from '../harness/table.ts'
import type { Case } from '../harness/types.ts'
import { ours, type ServicesPlace, type Source } from '../ours.ts'
import {
  archiverPipe,
  bsdtarTee,
  limit,
  oldWay,
  ONCE,
  sevenZip,
  yazlPipe,
  zipTee,
  zipTeeSums,
  type SinksPlace,
} from '../peers/peers.ts'
import { startServices, startSinks } from '../services/process.ts'
import { faster, outputBelow, peakBelow } from './goals.ts'

const MB = 1_000_000

type ThroughputPlace = ServicesPlace & Source & SinksPlace
type Throughput = Case<ThroughputPlace>

async function prepare(folder: string, fill: (root: string) => Promise<unknown>): Promise<ThroughputPlace> {
  const source = await archiveFolder(folder, fill)
  const [services, sinks] = await Promise.all([startServices(), startSinks()])
  const close = async (): Promise<void> => {
    await Promise.all([services.stop(), sinks.stop()])
  }
  return { folder, ...source, services, sinks, close }
}

const common = { unit: 'MB/s', better: 'higher', rounds: 3 } as const
const PEAK = peakBelow(250)

export const stored: Throughput = {
  ...common,
  name: 'stored',
  title: '1 GB of 512 KB slices, stored, to both services at once',
  prepare: (folder) => prepare(folder, (root) => writeStudies(root, CT, 1900)),
  own: [ours('store')],
  peers: [
    limit,
    zipTee(0),
    zipTeeSums(0),
    yazlPipe(0),
    archiverPipe(0, ONCE),
    bsdtarTee(0, ONCE),
    sevenZip(0, ONCE),
    oldWay(0, ONCE),
  ],
  goals: [faster('limit', 0.5), faster('zip -0 | tee, sums', 1), PEAK],
}

export const auto: Throughput = {
  ...common,
  name: 'auto',
  title: '1 GB of uncompressed CT slices, `auto` beside deflate level 1',
  rounds: 2,
  prepare: (folder) => prepare(folder, (root) => writeStudies(root, CT, 1900)),
  own: [ours('auto')],
  peers: [limit, zipTee(1), yazlPipe(1), archiverPipe(1, ONCE), bsdtarTee(1, ONCE), sevenZip(1, ONCE), zipTee(6, ONCE)],
  goals: [
    faster('zip -1 | tee', 1.5),
    faster('yazl -1', 1.8),
    outputBelow('zip -1 | tee', 1.03),
    { what: 'cores at work', reached: (row) => coresOf(row('dicom-backup')), atLeast: 1.8 },
    PEAK,
  ],
}

export const mixed: Throughput = {
  ...common,
  name: 'mixed',
  title: 'real files of all transfer syntaxes, `auto` beside deflating everything',
  unmeasured: () => (noSharedDicom === false ? null : noSharedDicom),
  prepare: (folder) => prepare(folder, (root) => writeCopies(root, path.join(sharedDicom() ?? '', 'dicom_files'), 16)),
  own: [ours('auto'), ours('fast', 'deflating everything')],
  peers: [zipTee(1), yazlPipe(1)],
  goals: [outputBelow('deflating everything', 1.015), faster('deflating everything', 0.95), PEAK],
}

export const large: Throughput = {
  ...common,
  name: 'large',
  title: 'two multi-frame files of 500 MB, stored',
  prepare: (folder) =>
    prepare(folder, async (root) => {
      await writeMultiFrame(path.join(root, 'a.dcm'), 500 * MB)
      await writeMultiFrame(path.join(root, 'b.dcm'), 500 * MB, 2)
    }),
  own: [ours('store')],
  peers: [limit, zipTee(0), yazlPipe(0)],
  goals: [faster('limit', 0.5), PEAK],
}

export const small: Throughput = {
  ...common,
  name: 'small',
  title: '20,000 files of 4 KB, stored',
  prepare: (folder) => prepare(folder, (root) => writeStudies(root, TINY, 20_000)),
  own: [ours('store')],
  peers: [limit, zipTee(0), yazlPipe(0), archiverPipe(0, ONCE), bsdtarTee(0)],
  goals: [PEAK],
}
