/**
 * The archive's entries with their manifest lines, side by side: both are streams in the same order. Where they part,
 * the next place is looked for at which they fit again, and what lies between is reported, entry by entry.
 */
import { MANIFEST_NAME, type ManifestHead, type SkippedLine } from '../zip/manifest.ts'
import { FILES_FOLDER } from '../plan/file-name.ts'
import { isFolder, type ArchiveEntry } from './archive-entry.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { isSkipped, type ManifestFile } from './manifest-line.ts'
import type { ManifestReader } from './manifest-reader.ts'
import { Lookahead, PAUSE } from './lookahead.ts'
import { Orphans, type Orphan } from './orphans.ts'

export type JoinedEntry =
  /** An entry and its line, of the same path and size. */
  | { readonly kind: 'file'; readonly entry: ArchiveEntry; readonly line: ManifestFile }
  /** It has no line by its nature: a folder, the manifest; any entry of an archive without manifest. */
  | { readonly kind: 'plain'; readonly entry: ArchiveEntry }
  /** A file that the backup left out. */
  | { readonly kind: 'left-out'; readonly line: SkippedLine }
  /**
   * Directory and manifest do not tell the same. `path` belongs into results only. `line` null: the manifest does not
   * have it.
   */
  | { readonly kind: 'mismatch'; readonly path: string; readonly reason: string; readonly line: ManifestFile | null }

/** So many folders and left out files are read in a row before they are given: an archive may have millions. */
const MOST_WAITING = 1000

/** How far ahead a place is looked for at which both fit again. */
const WINDOW = 64

/**
 * `manifest` null: the archive has none. Rejects as `ArchiveReader.entries` and `ManifestReader.lines` do; all that came
 * before it was as told.
 */
export async function* mergeJoined(
  reader: ArchiveReader,
  manifest: ManifestReader | null,
  signal: AbortSignal,
): AsyncGenerator<JoinedEntry> {
  if (manifest === null) {
    for await (const entry of reader.entries(signal)) yield { kind: 'plain', entry }
    return
  }
  const counts = { files: 0, bytes: 0, skipped: 0 }
  const waiting: JoinedEntry[] = []
  const entries = new Lookahead(withLines(reader, waiting, signal))
  const lines = new Lookahead(ofFiles(manifest, counts, waiting))
  const orphans = { entries: new Orphans(), lines: new Orphans() }
  try {
    for (;;) {
      const entry = await entries.peek()
      const line = await lines.peek()
      yield* waiting.splice(0)
      if (entry === PAUSE || line === PAUSE) continue
      if (entry === null && line === null) break
      if (entry !== null && line !== null && entry.name === line.path) {
        yield joinedFile(entries.take(), lines.take())
        continue
      }
      const lineBefore = entry === null ? undefined : orphans.lines.take(entry.name)
      if (lineBefore !== undefined) {
        yield mismatch(entries.take().name, OUT_OF_ORDER, lineBefore)
        continue
      }
      if (line !== null && orphans.entries.take(line.path) !== undefined) {
        yield mismatch(line.path, OUT_OF_ORDER, lines.take())
        continue
      }
      const [lostEntries, lostLines] = await partedBy(entries, lines)
      for (let n = 0; n < lostEntries; n += 1) yield* alone(orphans.entries.add(entries.take().name, null), NO_LINE)
      for (let n = 0; n < lostLines; n += 1) {
        const lost = lines.take()
        yield* alone(orphans.lines.add(lost.path, lost), NO_ENTRY)
      }
    }
    yield* alone(orphans.entries.all(), NO_LINE)
    yield* alone(orphans.lines.all(), NO_ENTRY)
    yield* asCounted(manifest.head, counts)
  } finally {
    await entries.close()
    await lines.close()
  }
}

const NO_LINE = 'it is not in the manifest'
const NO_ENTRY = 'it is in the manifest but not in the archive'

const OUT_OF_ORDER = 'it is not where the manifest says'

const mismatch = (path: string, reason: string, line: ManifestFile | null): JoinedEntry => ({
  kind: 'mismatch',
  path,
  reason,
  line,
})

function* alone(orphans: Iterable<Orphan>, reason: string): Generator<JoinedEntry> {
  for (const [path, line] of orphans) yield mismatch(path, reason, line)
}

function joinedFile(entry: ArchiveEntry, line: ManifestFile): JoinedEntry {
  if (entry.size === line.size) return { kind: 'file', entry, line }
  return mismatch(entry.name, `it has ${entry.size} bytes where the manifest says ${line.size}`, line)
}

/** How many entries and lines have no other until both fit again; one of each when that is not in sight. */
async function partedBy(
  entries: Lookahead<ArchiveEntry>,
  lines: Lookahead<ManifestFile>,
): Promise<readonly [number, number]> {
  const names = (await entries.see(WINDOW)).map(({ name }) => name)
  const paths = (await lines.see(WINDOW)).map(({ path }) => path)
  const [name, path] = [names[0], paths[0]]
  if (name === undefined || path === undefined) return [names.length, paths.length]
  for (let ahead = 1; ahead < WINDOW; ahead += 1) {
    if (paths[ahead] === name) return [0, ahead]
    if (names[ahead] === path) return [ahead, 0]
    if (names[ahead] !== undefined && names[ahead] === paths[ahead]) return [ahead, ahead]
  }
  return [1, 1]
}

/** Whether it is the entry that the manifest was read from. */
export const isManifest = ({ manifestEntry }: ArchiveReader, entry: ArchiveEntry): boolean =>
  entry.start === manifestEntry?.start && entry.name === manifestEntry.name

/** The entries that should have a line; the others go into `plain`. */
async function* withLines(
  reader: ArchiveReader,
  plain: JoinedEntry[],
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry | typeof PAUSE> {
  for await (const entry of reader.entries(signal)) {
    const hasNone = isFolder(entry) || isManifest(reader, entry)
    if (hasNone) plain.push({ kind: 'plain', entry })
    else yield entry
    if (plain.length >= MOST_WAITING) yield PAUSE
  }
}

/** The lines that should have an entry, all counted; the others go into `leftOut`. */
async function* ofFiles(
  { lines }: ManifestReader,
  counts: { files: number; bytes: number; skipped: number },
  leftOut: JoinedEntry[],
): AsyncGenerator<ManifestFile | typeof PAUSE> {
  for await (const line of lines) {
    if (isSkipped(line)) {
      counts.skipped += 1
      leftOut.push({ kind: 'left-out', line })
      if (leftOut.length >= MOST_WAITING) yield PAUSE
      continue
    }
    if (line.path.startsWith(`${FILES_FOLDER}/`)) {
      counts.files += 1
      counts.bytes += line.size
    }
    yield line
  }
}

/** The manifest's head says how many lines there should be. */
function* asCounted(
  { counts }: ManifestHead,
  found: { files: number; bytes: number; skipped: number },
): Generator<JoinedEntry> {
  for (const kind of ['files', 'bytes', 'skipped'] as const) {
    if (counts[kind] === found[kind]) continue
    yield mismatch(
      MANIFEST_NAME,
      `it counts ${counts[kind]} (${kind}) in its first line and ${found[kind]} in the others`,
      null,
    )
    return
  }
}
