/** Goes on with recorded archives, and holds what comes of it against what is promised. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { placeOf } from '../../../src/stages/zip/place.ts'
import type { CheckedArchive } from './archive-bytes.ts'
import { copyOf, openSource, readMade } from './archive-run.ts'
import { LINK, VANISHING, type Ending, type Recorded } from './going-on.ts'

/** What the archive has of a changed file: its content, or the reason why it is left out. */
export type Outcome = Buffer | string

/** Goes on in a copy of the run's folder, and gives the whole archive. */
export async function goOn(
  { here, run, bytes }: Recorded,
  ending: Omit<Ending, 'between'> & { between: Buffer | null },
) {
  const copy = await copyOf(run, await mkdtemp(path.join(here.folder, 'copy-')))
  const rest = await readMade(openSource(copy, ending.mark).source, ending)
  await rm(copy.folder, { recursive: true })
  const offsets = [ending.end, ...rest.marks.map(({ offset }) => offset)]
  assert.deepEqual(
    offsets,
    offsets.toSorted((a, b) => a - b),
    'places come in order, none before what is fixed',
  )
  return Buffer.concat([bytes.subarray(0, ending.end), rest.bytes])
}

/** Whether what is there of the entry under way begins the archive: 7-Zip would mind it as dead bytes. */
export function isAtStart({ mark, end }: Pick<Ending, 'mark' | 'end'>): boolean {
  return end > 0 && (placeOf(mark).large?.start ?? mark?.offset ?? 0) === 0
}

/** The archive; null when it is said that it cannot be gone on with, which only one may that would begin with dead bytes. */
export async function goOnOrNot(all: Recorded, ending: Parameters<typeof goOn>[1]): Promise<Buffer | null> {
  try {
    return await goOn(all, ending)
  } catch (error) {
    if (!isAtStart(ending) || !(error instanceof BackupError)) throw error
    assert.equal(error.code, 'E_STATE')
    assert.match(error.message, /its first entry has changed/)
    return null
  }
}

/** Each planned file is there once, as it is or with the reason why it is not. */
export function checkFiles(
  { contents, skipped }: CheckedArchive,
  { files }: Recorded,
  changed: Record<string, Outcome> = {},
): void {
  const expected = new Map<string, Outcome>([...files, [LINK, 'a symbolic link']])
  for (const name of VANISHING) expected.set(name, 'no longer there')
  for (const [name, outcome] of Object.entries(changed)) expected.set(name, outcome)
  for (const [name, outcome] of expected) {
    const entry = `dicom_files/${name}`
    if (typeof outcome === 'string') assert.equal(skipped.get(entry), outcome, name)
    else assert.ok(contents.get(entry)?.equals(outcome), `${name} is one state of the file`)
  }
  const told = [...contents.keys(), ...skipped.keys()].filter((name) => /^dicom_files\/./.test(name))
  assert.equal(told.length, expected.size)
}
