/** Makes archives of temporary folders, for the tests of the archive. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { Progress } from '../../../src/pipeline/contract/progress.ts'
import type { Mark } from '../../../src/pipeline/contract/source.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import type { LeftOut } from '../../../src/stages/plan/types.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import type { ArchiveCounts } from '../../../src/stages/zip/place.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import type { ReadEntry } from '../../support/zip-entries.ts'
import { READERS } from '../../support/zip-readers.ts'
import { newRun, openSource } from './archive-run.ts'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
export const names = (entries: readonly ReadEntry[]): string[] => entries.map(({ name }) => name)

export interface Place {
  readonly root: string
  readonly folder: string
  readonly archive: string
  /** Puts a file into the archive folder. */
  put(name: string, bytes: Buffer, mtime?: Date): Promise<string>
}

export async function place(t: TestContext): Promise<Place> {
  const folder = await tempFolder(t)
  const root = path.join(folder, 'dicom_files')
  await mkdir(root)
  const put = async (name: string, bytes: Buffer, mtime?: Date): Promise<string> => {
    const file = path.join(root, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, bytes)
    if (mtime !== undefined) await utimes(file, mtime, mtime)
    return file
  }
  return { root, folder, archive: path.join(folder, 'a.zip'), put }
}

export interface Attempt {
  readonly compression?: Compression
  readonly dump?: Buffer
  /** The plan, instead of all that lies in the archive folder. */
  readonly items?: readonly WalkItem[]
  /** Called when dump and plan are there, and nothing of the archive. */
  readonly onPrepared?: (files: { readonly plan: string; readonly dump: string }) => void | Promise<void>
  /** Called before the manifest is made. */
  readonly onManifest?: () => void
  /** The run's folder, instead of a new one. */
  readonly workFolder?: string
  /** Called before each chunk is written, with the bytes and the files before it; what it throws ends the reading. */
  readonly onChunk?: (bytesBefore: number, filesBefore: number) => void | Promise<void>
}

export interface Made {
  readonly counts: ArchiveCounts
  readonly progress: Progress
  readonly leftOut: readonly LeftOut[]
  readonly bytes: number
  readonly marks: readonly Mark[]
}

/** Makes an archive of what lies in the archive folder, as a run does: plan, then archive. */
export async function make({ root, folder, archive }: Place, attempt: Attempt = {}): Promise<Made> {
  const work = attempt.workFolder ?? (await mkdtemp(path.join(folder, 'work-')))
  const run = await newRun({ root, folder: work, ...attempt })
  await attempt.onPrepared?.(run.files)
  const { source, progress, leftOut } = openSource(run, null, attempt.onManifest)
  const out = createWriteStream(archive)
  const marks: Mark[] = []
  let bytes = 0
  try {
    for await (const chunk of source.make({ mark: null, end: 0, between: null })) {
      if (!(chunk instanceof Uint8Array)) {
        marks.push(chunk)
        continue
      }
      await attempt.onChunk?.(bytes, progress.filesDone)
      bytes += chunk.length
      if (!out.write(Buffer.from(chunk))) await once(out, 'drain')
    }
  } finally {
    await source.close()
    out.end()
    await once(out, 'close')
  }
  return { counts: source.counts(), progress, leftOut, bytes, marks }
}

export async function everyReaderAccepts(archive: string): Promise<void> {
  for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(archive), reader)
}
