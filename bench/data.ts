/** The data that is backed up, the same for the same seed. */
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { cp, mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { syntheticInstance, type InstanceOptions } from '../src/stages/demo/synthetic-dicom.ts'

type Kind = Pick<InstanceOptions, 'modality' | 'pixels' | 'rows' | 'columns'>

/** 512 KB, deflates 2 : 1. */
export const CT: Kind = { modality: 'CT', pixels: 'raw', rows: 512, columns: 512 }
/** 128 KB, the same. */
export const MR: Kind = { modality: 'MR', pixels: 'raw', rows: 256, columns: 256 }
/** 480 KB, as a codec leaves it. */
export const US: Kind = { modality: 'US', pixels: 'compressed', rows: 600, columns: 800 }
/** 4 KB with its header. */
export const TINY: Kind = { modality: 'MR', pixels: 'raw', rows: 40, columns: 45 }

/** So many different images; the others have the pixels of one of them, and a number of their own. */
const VARIETY = 48
const IN_A_SERIES = 100

/** `count` instances, a hundred to a series. */
export async function writeStudies(root: string, kind: Kind, count: number, seed = 1): Promise<void> {
  const images = Array.from({ length: Math.min(VARIETY, count) }, (_, n) =>
    syntheticInstance({ ...kind, patient: seed, study: 1, series: 1, instance: n }),
  )
  let folder = root
  for (let n = 0; n < count; n += 1) {
    if (n % IN_A_SERIES === 0) {
      const series = Math.floor(n / IN_A_SERIES)
      folder = path.join(root, `patient-${Math.floor(series / 100)}`, `series-${series}`)
      await mkdir(folder, { recursive: true })
    }
    const image = images[n % images.length]
    if (image === undefined) break
    // Bytes of the preamble, which are anyone's.
    image.writeUInt32LE(n, 0)
    writeFileSync(path.join(folder, `IM${n}.dcm`), image)
  }
}

export interface ArchiveFolder {
  readonly root: string
  readonly files: number
  /** Below the root. */
  readonly folders: number
  /** Of all files. */
  readonly bytes: number
}

/** A new archive folder below `folder`, and what it has once `fill` is done. */
export async function archiveFolder(
  folder: string,
  fill: (root: string) => Promise<unknown>,
  name = 'dicom_files',
): Promise<ArchiveFolder> {
  const root = path.join(folder, name)
  await mkdir(root)
  await fill(root)
  return { root, ...contentsOf(root) }
}

/** What lies below a folder. */
export function contentsOf(folder: string): Omit<ArchiveFolder, 'root'> {
  let [files, folders, bytes] = [0, 0, 0]
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name)
    if (!entry.isDirectory()) {
      files += 1
      bytes += statSync(full).size
      continue
    }
    const below = contentsOf(full)
    files += below.files
    folders += below.folders + 1
    bytes += below.bytes
  }
  return { files, folders, bytes }
}

/** One multi-frame instance of about `bytes`: frames one after the other. */
export async function writeMultiFrame(file: string, bytes: number, seed = 1): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const frames = Array.from({ length: VARIETY }, (_, n) =>
    syntheticInstance({ ...CT, patient: seed, study: 1, series: 1, instance: n }),
  )
  const handle = await open(file, 'w')
  let written = 0
  try {
    for (let n = 0; written < bytes; n += 1) {
      const frame = frames[n % frames.length] ?? Buffer.alloc(0)
      await handle.write(frame)
      written += frame.length
    }
  } finally {
    await handle.close()
  }
}

/** The real files of a folder, so many times over. */
export async function writeCopies(root: string, source: string, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await cp(source, path.join(root, `copy-${n}`), { recursive: true })
}
