/** An archive brought back from a local folder, every file checked against the manifest, beside `unzip` and 7-Zip. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import { archiveFolder, contentsOf, CT, TINY, writeStudies, type ArchiveFolder } from '../data.ts'
import { watched } from '../harness/watched.ts'
import type { Build, Case, Contender, Place, Sample } from '../harness/types.ts'
import { megabytes, wordsOf } from '../ours.ts'
import { bash, must } from './command.ts'
import { faster, peakBelow } from './goals.ts'

interface RestorePlace extends Place, ArchiveFolder {
  /** Of our own build: what the peers unpack. */
  archive: string
}

const configOf = ({ folder }: Build): string => path.join(folder, 'dicom-backup.yaml')

/** Into a folder of its own, whose removal is not measured. Nobody writes out what another one has left to be written. */
const contender = (
  named: Pick<Contender, 'name' | 'what' | 'needs'>,
  words: (place: RestorePlace, to: string, build: Build) => readonly string[],
): Contender<RestorePlace> => ({
  ...named,
  async run(place, build): Promise<Sample> {
    const { folder, bytes } = place
    const to = await mkdtemp(path.join(folder, 'to-'))
    try {
      await watched('sync', ['-f', folder])
      const { ms, peakBytes, cpuMs } = await must(...words(place, to, build))
      checkRestored(to, place)
      return { value: megabytes(bytes)(ms), ms, peakBytes, cpuMs, bytesOut: null }
    } finally {
      await rm(to, { recursive: true })
    }
  },
})

/** The files, and the manifest beside them. */
function checkRestored(to: string, { files, bytes }: ArchiveFolder): void {
  const found = contentsOf(to)
  if (found.files < files || found.bytes < bytes) {
    throw new Error(`${found.files} files with ${found.bytes} bytes were restored, not ${files} with ${bytes}`)
  }
}

const UNZIP = 'unzip -q "$1" -d "$2"'
const SEVEN_ZIP = '7z x -bso0 -bsp0 "-o$2" "$1"'

const peer = (name: string, program: string, script: string): Contender<RestorePlace> =>
  contender({ name, what: script, needs: ['bash', program, 'sync'] }, ({ archive }, to) => bash(script, archive, to))

interface Setting {
  readonly fill: (root: string) => Promise<void>
  readonly compression: 'store' | 'fast'
  /** Of the speed of unzip. */
  readonly atLeast: number
}

const restoreCase = ({
  fill,
  compression,
  atLeast,
}: Setting): Omit<Case<RestorePlace>, 'name' | 'title' | 'rounds'> => ({
  unit: 'MB/s',
  better: 'higher',
  async prepare(folder) {
    return { folder, ...(await archiveFolder(folder, fill)), archive: '' }
  },
  /** Each build restores an archive that it has made. */
  async setUp(place, build) {
    const nas = path.join(build.folder, 'nas')
    await mkdir(nas)
    const destinations = [{ name: 'nas', type: 'local', folder: nas }]
    await writeFile(configOf(build), stringify({ dicom: { root: place.root }, archive: { compression }, destinations }))
    await must(process.execPath, ...wordsOf(build, 'run', '--json', '--config', configOf(build)))
    const [archive = ''] = (await readdir(nas)).filter((name) => name.endsWith('.zip'))
    if (build.name === null) place.archive = path.join(nas, archive)
  },
  own: [
    contender(
      { name: 'dicom-backup', what: 'dicom-backup restore --to, CRC and SHA-256 of every file checked' },
      (_, to, build) => [
        process.execPath,
        ...wordsOf(build, 'restore', '--to', to, '--json', '--config', configOf(build)),
      ],
    ),
  ],
  peers: [
    peer('unzip', 'unzip', UNZIP),
    peer('unzip, sync', 'unzip', `${UNZIP} && sync -f "$2"`),
    peer('7z', '7z', SEVEN_ZIP),
    peer('7z, sync', '7z', `${SEVEN_ZIP} && sync -f "$2"`),
  ],
  goals: [faster('unzip', atLeast), peakBelow(250)],
})

const slices = (root: string): Promise<void> => writeStudies(root, CT, 1900)

export const restoreStored: Case<RestorePlace> = {
  ...restoreCase({ fill: slices, compression: 'store', atLeast: 0.8 }),
  name: 'restore-stored',
  title: 'restore of 1 GB of 512 KB slices, stored',
  rounds: 3,
}

export const restoreDeflated: Case<RestorePlace> = {
  ...restoreCase({ fill: slices, compression: 'fast', atLeast: 1 }),
  name: 'restore-deflated',
  title: 'restore of 1 GB of 512 KB slices, deflated',
  rounds: 3,
}

export const restoreSmall: Case<RestorePlace> = {
  ...restoreCase({ fill: (root) => writeStudies(root, TINY, 10_000), compression: 'store', atLeast: 0.8 }),
  name: 'restore-small',
  title: 'restore of 10,000 files of 4 KB',
  rounds: 2,
}
