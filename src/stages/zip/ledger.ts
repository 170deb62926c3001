import path from 'node:path'
import { SpillFile } from '../../pipeline/spill-file.ts'
import { placeRecord } from './directory.ts'
import type { SkippedLine } from './manifest.ts'

/**
 * What is known of the archive so far: its length, and on disk, because they grow with the number of files, the
 * directory records and the manifest's lines.
 */
export class Ledger {
  readonly directory: SpillFile
  readonly manifest: SpillFile
  /** Bytes of the archive so far. */
  offset = 0
  entries = 0
  /** Files of the archive folder that are in, their bytes, and how many are left out. */
  files = 0
  fileBytes = 0
  skipped = 0

  private constructor(directory: SpillFile, manifest: SpillFile) {
    this.directory = directory
    this.manifest = manifest
  }

  /** Keeps its files in `folder`, which is the run's own. */
  static async create(folder: string): Promise<Ledger> {
    const directory = await SpillFile.create(path.join(folder, 'directory.bin'))
    try {
      return new Ledger(directory, await SpillFile.create(path.join(folder, 'manifest.ndjson')))
    } catch (error) {
      await directory.close()
      throw error
    }
  }

  /** An entry that begins at `start` is whole: from now on the directory names it. */
  async addEntry(record: Buffer, start: number, line: Record<string, string | number> | null): Promise<void> {
    this.entries += 1
    await this.directory.add(placeRecord(record, start))
    if (line !== null) await this.manifest.addJson(line)
  }

  /** The same for a file of the archive folder, of `size` bytes. */
  async addFile(record: Buffer, start: number, line: Record<string, string | number>, size: number): Promise<void> {
    this.files += 1
    this.fileBytes += size
    await this.addEntry(record, start, line)
  }

  async addSkipped(line: SkippedLine): Promise<void> {
    this.skipped += 1
    await this.manifest.addJson(line)
  }

  async close(): Promise<void> {
    await Promise.all([this.directory.close(), this.manifest.close()])
  }
}
