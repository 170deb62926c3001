/** Makes archives of temporary folders, for the tests of the archive. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { newProgress, type Progress } from '../../../src/pipeline/progress.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { readPlan, writePlan } from '../../../src/stages/plan/plan-file.ts'
import type { LeftOut } from '../../../src/stages/plan/types.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { Ledger } from '../../../src/stages/zip/ledger.ts'
import type { ManifestHead } from '../../../src/stages/zip/manifest.ts'
import { writeArchive } from '../../../src/stages/zip/write-archive.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { READERS, type ReadEntry } from '../../support/zip-readers.ts'

const never = new AbortController().signal
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
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
  readonly dump?: AsyncIterable<Uint8Array>
  /** Instead of all that lies in the archive folder. */
  readonly files?: () => AsyncIterable<WalkItem>
  readonly head?: () => ManifestHead
  /** Where the ledger keeps its files, instead of a new folder. */
  readonly workFolder?: string
  /** Called before each chunk is written, with the bytes and the files before it; what it throws ends the reading. */
  readonly onChunk?: (bytesBefore: number, filesBefore: number) => void | Promise<void>
}

export interface Made {
  readonly ledger: Ledger
  readonly progress: Progress
  readonly leftOut: LeftOut[]
  readonly bytes: number
}

/** Makes an archive of what lies in the archive folder, as a run does: plan, then archive. */
export async function make({ root, folder, archive }: Place, attempt: Attempt = {}): Promise<Made> {
  const work = attempt.workFolder ?? (await mkdtemp(path.join(folder, 'work-')))
  const plan = await writePlan(
    path.join(await mkdtemp(path.join(folder, 'plan-')), 'plan.ndjson'),
    root,
    { include: ['**/*'], exclude: [], skipFolders: [] },
    never,
  )
  const ledger = await Ledger.create(work)
  const progress = newProgress([])
  const leftOut: LeftOut[] = []
  const head = (): ManifestHead => ({
    tool: 'dicom-backup',
    version: '0',
    runId: 'run',
    startedAt: '',
    writtenAt: '',
    database: null,
    counts: { files: ledger.files, bytes: ledger.fileBytes, skipped: ledger.skipped },
  })
  const source = writeArchive(
    {
      root,
      compression: attempt.compression ?? 'auto',
      dump:
        attempt.dump === undefined
          ? null
          : { name: 'database/viewer.sql', mtime: new Date(2026, 10, 23, 12, 0, 0), bytes: attempt.dump },
      files: attempt.files ?? (() => readPlan(plan.path)),
      head: attempt.head ?? head,
      onLeftOut: (left) => leftOut.push(left),
      progress,
    },
    ledger,
  )
  const out = createWriteStream(archive)
  let bytes = 0
  try {
    for await (const chunk of source) {
      await attempt.onChunk?.(bytes, progress.filesDone)
      bytes += chunk.length
      if (!out.write(Buffer.from(chunk))) await once(out, 'drain')
    }
  } finally {
    await ledger.close()
    out.end()
    await once(out, 'close')
  }
  return { ledger, progress, leftOut, bytes }
}

export async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

export async function everyReaderAccepts(archive: string): Promise<void> {
  for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(archive), reader)
}
