import path from 'node:path'
import { crc32 } from 'node:zlib'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { readSpill, SpillFile } from '../../pipeline/files/spill-file.ts'
import { damagedStateFile, removeStateFile } from '../../pipeline/files/state-file.ts'
import { countDicom, type DicomCounts, type DicomKind } from '../dicom/counts.ts'
import { placeRecord } from './directory.ts'
import { manifestLine, type SkippedLine } from './manifest.ts'
import type { ArchivePlace, LargePlace, Phase } from './place.ts'

/** Paths of what a run's folder holds of the archive: it grows with the number of files. */
export function catalogFiles(folder: string): { readonly directory: string; readonly manifest: string } {
  return { directory: path.join(folder, 'directory.bin'), manifest: path.join(folder, 'manifest.ndjson') }
}

/** A file of the archive folder that is in. */
export interface FileEntry {
  /** For `placeRecord`. */
  readonly record: Buffer
  /** Where its entry begins in the archive. */
  readonly start: number
  /** In the manifest, with the line feed. */
  readonly line: Buffer
  /** Of the file, bytes. */
  readonly size: number
  readonly dicom: DicomKind
}

/** What is known of the archive so far: its length and, on disk, the directory records and the manifest's lines. */
export class Catalog {
  readonly directory: SpillFile
  readonly manifest: SpillFile
  /** Bytes of the archive so far. */
  offset: number
  entries: number
  /** Files of the archive folder that are in, their bytes, and how many are left out. */
  files: number
  fileBytes: number
  skipped: number
  /** Bytes that no directory record names. */
  dead: number
  /** Of the files that are in; null: not known. */
  dicom: DicomCounts | null
  /** CRC-32 of what was added to each file. */
  #directorySum: number
  #manifestSum: number

  private constructor(directory: SpillFile, manifest: SpillFile, place: ArchivePlace) {
    this.directory = directory
    this.manifest = manifest
    const { offset, entries, files, fileBytes, skipped, dead, dicom } = place
    this.offset = offset
    this.entries = entries
    this.files = files
    this.fileBytes = fileBytes
    this.skipped = skipped
    this.dead = dead
    this.dicom = dicom
    ;[this.#directorySum, this.#manifestSum] = place.sums
  }

  /**
   * As it was at `place`; what was noted after that is forgotten. Its files are in `folder`, which is the run's own.
   * Rejects with E_QUOTA or E_STATE.
   */
  static async open(folder: string, place: ArchivePlace): Promise<Catalog> {
    const files = catalogFiles(folder)
    const directory = await openSpill(files.directory, place.directory)
    try {
      return new Catalog(directory, await openSpill(files.manifest, place.manifest), place)
    } catch (error) {
      await directory.close().catch(() => undefined)
      throw error
    }
  }

  /** Where the archive is now. `plan`: position of the next line of the plan's file. */
  place(phase: Phase, plan: number, large: LargePlace | null): ArchivePlace {
    const { offset, entries, files, fileBytes, skipped, dead, dicom } = this
    const sizes = { directory: this.directory.bytes, manifest: this.manifest.bytes }
    return {
      offset,
      phase,
      plan,
      ...sizes,
      sums: [this.#directorySum, this.#manifestSum],
      entries,
      files,
      fileBytes,
      skipped,
      dead,
      dicom,
      large,
    }
  }

  /**
   * What lies between `start` and here, or `end`, is named by no record. Throws E_STATE at the archive's start: 7-Zip takes
   * an archive that begins so for damaged.
   */
  leaveDead(start: number, end = this.offset): void {
    if (start === 0 && end > 0) {
      throw new BackupError('E_STATE', 'The interrupted archive cannot be resumed: its first entry has changed.', {
        advice: 'The next run makes a new backup.',
      })
    }
    this.offset = end
    this.dead += end - start
  }

  /** An entry that begins at `start` is whole: from now on the directory names it. */
  async addEntry(record: Buffer, start: number, line: Record<string, string | number> | null): Promise<void> {
    await this.#add([placeRecord(record, start)], line === null ? [] : [Buffer.from(manifestLine(line))])
  }

  /** The same for files of the archive folder. */
  async addFiles(files: readonly FileEntry[]): Promise<void> {
    this.files += files.length
    for (const { size, dicom } of files) {
      this.fileBytes += size
      if (this.dicom !== null) this.dicom = countDicom(this.dicom, dicom)
    }
    await this.#add(
      files.map(({ record, start }) => placeRecord(record, start)),
      files.map(({ line }) => line),
    )
  }

  async addSkipped(line: SkippedLine): Promise<void> {
    this.skipped += 1
    await this.#add([], [Buffer.from(manifestLine(line))])
  }

  /**
   * Both files hold what was added to them, whatever process did it. Rejects with E_STATE: a directory that the disk has
   * damaged is not to become an archive's.
   */
  async check(): Promise<void> {
    await Promise.all([this.directory.flush(), this.manifest.flush()])
    for (const [file, sum] of [
      [this.directory, this.#directorySum],
      [this.manifest, this.#manifestSum],
    ] as const) {
      let found = 0
      for await (const piece of readSpill(file.path, 0, file.bytes)) found = crc32(piece, found)
      if (found !== sum) throw damagedStateFile(file.path)
    }
  }

  async #add(records: readonly Buffer[], lines: readonly Buffer[]): Promise<void> {
    this.entries += records.length
    const directory = Buffer.concat(records)
    const manifest = Buffer.concat(lines)
    this.#directorySum = crc32(directory, this.#directorySum)
    this.#manifestSum = crc32(manifest, this.#manifestSum)
    await this.directory.add(directory)
    await this.manifest.add(manifest)
  }

  /** Everything noted so far survives a power cut. Rejects with E_QUOTA or E_STATE. */
  async sync(): Promise<void> {
    await Promise.all([this.directory.sync(), this.manifest.sync()])
  }

  async close(): Promise<void> {
    await Promise.all([this.directory.close(), this.manifest.close()])
  }
}

async function openSpill(file: string, bytes: number): Promise<SpillFile> {
  if (bytes > 0) return await SpillFile.reopen(file, bytes)
  await removeStateFile(file)
  return await SpillFile.create(file)
}
