/**
 * What a restore will write, found in the archive's directory and manifest and kept in a file of the target folder: so
 * both are read once, and memory does not grow with the number of files.
 */
import path from 'node:path'
import { lstat, rm } from 'node:fs/promises'
import { readJsonLines, SpillFile } from '../../../pipeline/files/spill-file.ts'
import { damagedStateFile } from '../../../pipeline/files/state-file.ts'
import { isFolder, type ArchiveEntry } from '../../archive/archive-entry.ts'
import type { ArchiveReader } from '../../archive/archive-reader.ts'
import { isManifest, mergeJoined } from '../../archive/merge-joined.ts'
import type { ManifestFile } from '../../archive/manifest-line.ts'
import { readManifest } from '../../archive/manifest-reader.ts'
import { NameSet } from '../../archive/name-set.ts'
import { MANIFEST_NAME } from '../../zip/manifest.ts'
import { FILES_FOLDER } from '../../plan/file-name.ts'
import { NotRestored } from './errors.ts'
import { wantedOwner, type WantedOwner } from './owner.ts'
import { temporaryName, type RestoreTarget } from './target.ts'
import { Told } from './told.ts'
import { otherPaths, pathKey, safePath } from '../safe-path.ts'
import { isEverything, Selector, type Selection } from '../selection.ts'

export interface PlannedFile {
  readonly entry: ArchiveEntry
  /** Of its path below the target. */
  readonly parts: readonly string[]
  readonly mtimeMs: number
  /** Null: it is not asked for, or not known. */
  readonly owner: WantedOwner | null
  /** Null: its CRC-32 is all that there is to prove it by. */
  readonly sha256: string | null
}

export interface PlanOptions {
  readonly reader: ArchiveReader
  readonly target: RestoreTarget
  readonly selection: Selection
  /** Whether files get their owner and mode. */
  readonly owner: boolean
  /** False: as if the archive had none. */
  readonly useManifest: boolean
  readonly signal: AbortSignal
}

export class RestorePlan {
  /** To be restored, whether it is there already or not. */
  files = 0
  bytes = 0
  /** Bytes of files that are not there in the right size. */
  missingBytes = 0
  leftOut = 0
  /** Files of which the archive does not have owner and mode; only counted when they are asked for. */
  ownerUnknown = 0
  readonly told = new Told()
  readonly selector: Selector
  readonly #options: PlanOptions
  readonly #file: string
  readonly #names = new NameSet()

  private constructor(options: PlanOptions) {
    this.#options = options
    this.#file = path.join(options.target.folder, temporaryName())
    this.selector = new Selector(options.selection)
  }

  /**
   * Reads directory and manifest to their ends. What cannot be restored for what stands there is reported. Rejects with
   * DamagedEntry when it is the manifest that is damaged; then nothing is left behind.
   */
  static async make(options: PlanOptions): Promise<RestorePlan> {
    const plan = new RestorePlan(options)
    const spill = await SpillFile.create(plan.#file)
    try {
      await plan.#fill(spill)
      await spill.flush()
    } catch (error) {
      await plan.remove()
      throw error
    } finally {
      await spill.close()
    }
    return plan
  }

  async *read(): AsyncGenerator<PlannedFile> {
    for await (const line of readJsonLines(this.#file)) {
      if (!isPlanned(line)) throw damagedStateFile(this.#file)
      yield line
    }
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true })
  }

  async #fill(spill: SpillFile): Promise<void> {
    const { reader, selection, useManifest, signal } = this.#options
    const manifest = useManifest ? await readManifest(reader, signal) : null
    const all = isEverything(selection)
    for await (const item of mergeJoined(reader, manifest, signal)) {
      switch (item.kind) {
        case 'file':
          if (this.selector.wants(item.line)) await this.#add(spill, item.entry, item.line)
          break
        case 'plain':
          // Where there is no manifest to be read, its entry is known to be damaged.
          if (all && (useManifest || !isManifest(reader, item.entry))) await this.#add(spill, item.entry, null)
          break
        case 'left-out':
          if (all) this.leftOut += 1
          break
        case 'mismatch':
          if (item.line === null ? all || item.path === MANIFEST_NAME : this.selector.wants(item.line)) {
            this.told.damage(item.path, item.reason)
          }
      }
    }
  }

  async #add(spill: SpillFile, entry: ArchiveEntry, line: ManifestFile | null): Promise<void> {
    try {
      const parts = this.#place(entry)
      if (entry.fault !== null) throw new NotRestored(entry.fault)
      const mtimeMs = line === null ? entry.mtimeMs : Date.parse(line.mtime)
      const owner = this.#ownerOf(line, entry)
      const planned: PlannedFile = { entry, parts, mtimeMs, owner, sha256: line?.sha256 ?? null }
      if (!isFolder(entry)) await this.#count(planned)
      await spill.addJson(planned)
    } catch (error) {
      if (!(error instanceof NotRestored)) throw error
      this.told.damage(entry.name, error.message)
    }
  }

  /** The dump and the manifest are files of the backup's own, and of nobody else. */
  #ownerOf(line: ManifestFile | null, entry: ArchiveEntry): WantedOwner | null {
    const { owner, reader } = this.#options
    if (!owner || isFolder(entry)) return null
    const wanted = line === null ? null : wantedOwner(line)
    const isOfFolder = entry.name.startsWith(`${FILES_FOLDER}/`) || reader.manifestEntry === null
    if (wanted === null && isOfFolder) this.ownerUnknown += 1
    return wanted
  }

  /** Throws NotRestored when it may not go below the target, or another one is there. */
  #place(entry: ArchiveEntry): readonly string[] {
    const { reader } = this.#options
    const backslashSeparates = reader.manifestEntry === null
    const place = safePath(entry.name, { platform: process.platform, backslashSeparates })
    if ('refused' in place) throw new NotRestored(place.refused)
    const { parts, changed } = place
    const free = isFolder(entry) ? parts : this.#freePath(parts)
    const why = free === parts ? changed : 'an earlier entry has the same name on this system'
    if (why !== null) this.told.renaming(entry.name, free.join('/'), why)
    return free
  }

  /** These parts, or others when an earlier entry has them. Throws NotRestored when no other name is free. */
  #freePath(parts: readonly string[]): readonly string[] {
    const { ignoresCase } = this.#options.target
    if (this.#names.add(pathKey(parts, ignoresCase))) return parts
    for (const other of otherPaths(parts)) {
      if (this.#names.add(pathKey(other, ignoresCase))) return other
    }
    throw new NotRestored('earlier entries have the same name on this system')
  }

  async #count({ entry, parts }: PlannedFile): Promise<void> {
    const { target } = this.#options
    this.files += 1
    this.bytes += entry.size
    const isThere = !target.isEmpty && (await hasSize(path.join(target.folder, ...parts), entry.size))
    if (!isThere) this.missingBytes += entry.size
  }
}

function isPlanned(value: unknown): value is PlannedFile {
  const { entry, parts, mtimeMs, owner, sha256 } = fieldsOf(value)
  const { index, name, rawName, start, packed, size, crc, method } = fieldsOf(entry)
  return (
    [index, start, packed, size, crc, method, mtimeMs].every((one) => typeof one === 'number') &&
    typeof name === 'string' &&
    typeof rawName === 'string' &&
    Array.isArray(parts) &&
    parts.every((one) => typeof one === 'string') &&
    (owner === null || typeof owner === 'object') &&
    (sha256 === null || typeof sha256 === 'string')
  )
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

async function hasSize(file: string, size: number): Promise<boolean> {
  try {
    const found = await lstat(file)
    return found.isFile() && found.size === size
  } catch {
    return false
  }
}
