/** The folder of a run and what the backup keeps of it, for the tests of the archive as a source. */
import { cp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ProgressReporter, type Progress } from '../../../src/pipeline/contract/progress.ts'
import type { Beginning, Mark } from '../../../src/pipeline/contract/source.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { writePlan } from '../../../src/stages/plan/plan-file.ts'
import type { LeftOut } from '../../../src/stages/plan/types.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { ArchiveSource } from '../../../src/stages/zip/archive-source.ts'
import type { ManifestStart } from '../../../src/stages/zip/make-archive.ts'
import type { ManifestHead } from '../../../src/stages/zip/manifest.ts'

const never = new AbortController().signal
export const DUMP_NAME = 'database/viewer.sql'

export interface Run {
  readonly root: string
  readonly folder: string
  readonly compression: Compression
  readonly files: { readonly plan: string; readonly dump: string }
  /** Bytes; null: files only. */
  readonly dump: number | null
  /** What the journal knows of the manifest. */
  head: ManifestStart | null
}

export interface RunOptions {
  readonly root: string
  /** The run's folder. */
  readonly folder: string
  readonly compression?: Compression
  readonly dump?: Buffer
  /** The plan, instead of all that lies in the archive folder. */
  readonly items?: readonly WalkItem[]
}

const filesOf = (folder: string): Run['files'] => ({
  plan: path.join(folder, 'plan.ndjson'),
  dump: path.join(folder, 'dump.sql'),
})

/** Dumps and plans. */
export async function newRun({ root, folder, compression = 'auto', dump, items }: RunOptions): Promise<Run> {
  const files = filesOf(folder)
  if (dump !== undefined) await writeFile(files.dump, dump)
  if (items === undefined) {
    await writePlan(files.plan, root, { include: ['**/*'], exclude: [], skipFolders: [] }, never)
  } else {
    await writeFile(files.plan, items.map((item) => `${JSON.stringify(planned(item))}\n`).join(''))
  }
  return { root, folder, compression, files, dump: dump?.length ?? null, head: null }
}

const planned = (item: WalkItem): unknown[] =>
  'leftOut' in item ? [item.leftOut.path, item.leftOut.reason] : [item.path, item.size, item.mtimeMs]

/** The same run in a folder of its own, as it lies there now. */
export async function copyOf(run: Run, folder: string): Promise<Run> {
  await cp(run.folder, folder, { recursive: true })
  return { ...run, folder, files: filesOf(folder) }
}

export interface OpenSource {
  readonly source: ArchiveSource
  readonly progress: Progress
  readonly leftOut: readonly LeftOut[]
}

/** The run's archive, as a new process has it. */
export function openSource(run: Run, known: Mark | null, onManifest: () => void = () => undefined): OpenSource {
  const reporter = new ProgressReporter([])
  const leftOut: LeftOut[] = []
  const dump = { name: DUMP_NAME, mtime: new Date(2026, 10, 23, 12, 0, 0), file: run.files.dump }
  const source = new ArchiveSource(
    {
      root: run.root,
      compression: run.compression,
      folder: run.folder,
      startedAt: new Date(2026, 10, 23, 11, 0, 0),
      dump: run.dump === null ? null : { ...dump, bytes: run.dump },
      plan: run.files.plan,
      heads: {
        get last() {
          return run.head
        },
        make({ files, fileBytes, skipped, dead }) {
          onManifest()
          const head: ManifestHead = {
            tool: 'dicom-backup',
            version: '0',
            runId: 'run',
            startedAt: '',
            writtenAt: '',
            database: null,
            counts: { files, bytes: fileBytes, skipped, deadBytes: dead },
          }
          run.head = { head: `${JSON.stringify(head)}\n`, mtime: new Date(2026, 10, 23, 13, 0, 0) }
          return run.head
        },
      },
      onLeftOut: (left) => leftOut.push(left),
      reporter,
    },
    known,
  )
  return { source, progress: reporter.progress, leftOut }
}

export interface MadeBytes {
  readonly bytes: Buffer
  readonly marks: readonly Mark[]
}

/** Makes the archive from there to its end. Each chunk is copied when it comes. */
export async function readMade(source: ArchiveSource, beginning: Partial<Beginning> = {}): Promise<MadeBytes> {
  const chunks: Buffer[] = []
  const marks: Mark[] = []
  try {
    for await (const chunk of source.make({ mark: null, end: 0, between: null, ...beginning })) {
      if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
      else marks.push(chunk)
    }
  } finally {
    await source.close()
  }
  return { bytes: Buffer.concat(chunks), marks }
}
