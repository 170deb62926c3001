/** The data that is backed up, the same for the same seed. */
import { cp, mkdir, open, readdir, stat } from 'node:fs/promises'
import { writeFileSync } from 'node:fs'
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

/** `count` instances, a hundred to a series. Gives their bytes. */
export async function writeStudies(root: string, kind: Kind, count: number, seed = 1): Promise<number> {
  const images = Array.from({ length: Math.min(VARIETY, count) }, (_, n) =>
    syntheticInstance({ ...kind, patient: seed, study: 1, series: 1, instance: n }),
  )
  let bytes = 0
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
    bytes += image.length
  }
  return bytes
}

/** The same in a new archive folder below `folder`. */
export async function archiveFolder(
  folder: string,
  kind: Kind,
  count: number,
): Promise<{ readonly root: string; readonly bytes: number }> {
  const root = path.join(folder, 'dicom_files')
  await mkdir(root)
  return { root, bytes: await writeStudies(root, kind, count) }
}

/** One multi-frame instance of about `bytes`: frames one after the other. */
export async function writeMultiFrame(file: string, bytes: number, seed = 1): Promise<number> {
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
    return written
  } finally {
    await handle.close()
  }
}

/** The real files of a folder, so many times over. Gives their bytes. */
export async function writeCopies(root: string, source: string, times: number): Promise<number> {
  for (let n = 0; n < times; n += 1) await cp(source, path.join(root, `copy-${n}`), { recursive: true })
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
