import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { syntheticInstance, type InstanceOptions } from './synthetic-dicom.ts'

type Series = Pick<InstanceOptions, 'modality' | 'pixels' | 'rows' | 'columns'> & { readonly instances: number }

/** What a small practice may have: two CT studies, an MR, an ultrasound that its machine has compressed. */
const STUDIES: readonly (readonly Series[])[] = [
  [{ modality: 'CT', pixels: 'raw', rows: 512, columns: 512, instances: 48 }],
  [
    { modality: 'CT', pixels: 'raw', rows: 512, columns: 512, instances: 32 },
    { modality: 'CT', pixels: 'raw', rows: 512, columns: 512, instances: 16 },
  ],
  [{ modality: 'MR', pixels: 'raw', rows: 256, columns: 256, instances: 60 }],
  [{ modality: 'US', pixels: 'compressed', rows: 600, columns: 800, instances: 24 }],
]

/** Fills `root` with made-up studies, about 70 MB, and two files that are no DICOM. */
export async function writeDemoArchive(root: string): Promise<void> {
  for (const [patient, study] of STUDIES.entries()) {
    for (const [number, series] of study.entries()) {
      const folder = path.join(root, `patient-${patient + 1}`, `study-1`, `series-${number + 1}`)
      await mkdir(folder, { recursive: true })
      for (let instance = 1; instance <= series.instances; instance += 1) {
        const bytes = syntheticInstance({ ...series, patient: patient + 1, study: 1, series: number + 1, instance })
        await writeFile(path.join(folder, `IM${String(instance).padStart(4, '0')}.dcm`), bytes)
      }
    }
  }
  await writeFile(path.join(root, 'README.txt'), 'Made-up images; no patient ever looked like this.\n')
  await writeFile(path.join(root, "größe & 'names' 🩻.txt"), 'Odd names are backed up like any other.\n')
}
