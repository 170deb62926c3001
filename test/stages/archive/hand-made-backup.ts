/** Backups put together by hand, so that directory and manifest can be made to say different things. */
import { sha256 } from '../zip/archive-maker.ts'
import { zipOf, type HandMade } from './zip-bytes.ts'

export interface BackupFile extends HandMade {
  readonly name: string
  /** What the manifest says of it in place of the truth, or besides it. */
  readonly line?: Readonly<Record<string, unknown>>
}

export interface BackupOptions {
  /** Changes the manifest's lines, the head not among them. */
  readonly lie?: (lines: Record<string, unknown>[]) => Record<string, unknown>[]
  /** What the head counts in place of the truth. */
  readonly counts?: Readonly<Record<string, number>>
  /** Changes the entries behind the manifest's back. */
  readonly swap?: (entries: HandMade[]) => HandMade[]
  /** The manifest's bytes, instead of what they should be. */
  readonly manifest?: (text: string) => string
  readonly manifestEntry?: Partial<HandMade>
}

export const MTIME = '2026-11-20T10:30:00.250Z'

export function backupOf(files: readonly BackupFile[], options: BackupOptions = {}): Buffer {
  const same = <T>(value: T): T => value
  const lie = options.lie ?? same
  const swap = options.swap ?? same
  const manifest = options.manifest ?? same
  const truth = files.map(({ name, content = Buffer.alloc(0), line }) => ({
    path: name,
    size: content.length,
    mtime: MTIME,
    sha256: sha256(content),
    ...line,
  }))
  const stored = truth.filter((line) => !('skipped' in line) && line.path.startsWith('dicom_files/'))
  const head = {
    tool: 'dicom-backup',
    version: '0.1.0',
    runId: 'run',
    startedAt: MTIME,
    writtenAt: MTIME,
    database: null,
    counts: {
      files: stored.length,
      bytes: stored.reduce((sum, { size }) => sum + size, 0),
      skipped: 0,
      deadBytes: 0,
      ...options.counts,
    },
  }
  const text = [head, ...lie(truth)].map((line) => `${JSON.stringify(line)}\n`).join('')
  return zipOf([
    ...swap([...files]),
    { name: 'backup-manifest.ndjson', content: Buffer.from(manifest(text)), ...options.manifestEntry },
  ])
}
