/** One restore, from the plan to its result. */
import { orderedParallelMap } from '../../../pipeline/flow/ordered-parallel-map.ts'
import { abortError, asBackupError } from '../../../pipeline/contract/errors.ts'
import { DamagedEntry, isFolder } from '../../archive/archive-entry.ts'
import { grouped } from '../../archive/ranges.ts'
import { MANIFEST_NAME } from '../../zip/manifest.ts'
import { NotRestored, targetError } from './errors.ts'
import { isRestored, restoreFile } from './one.ts'
import { RestorePlan, type PlannedFile } from './plan.ts'
import type { RestoreTarget } from './target.ts'
import type { RestoredFiles, RestoreFilesOptions, RestoreProgress } from './types.ts'
import { isSmall, WholeFiles, type WholeBatches } from './whole.ts'
import { isEverything } from '../selection.ts'

/** Ranges that are fetched at once, and files that are checked ahead of them. */
const RANGES = { concurrency: 4, items: 4, budget: 4, weight: (): number => 1 }
const LOOKS = { concurrency: 4, items: 64, budget: 64, weight: (): number => 1 }

export class RestoreRun {
  readonly #options: RestoreFilesOptions
  readonly #target: RestoreTarget
  readonly #progress: RestoreProgress
  /** Aborted with the first failure: what else is under way has no use. */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #whole: WholeFiles
  #plan: RestorePlan | null = null
  #isBegun = false
  #files = 0
  #bytes = 0
  #skipped = 0
  #notOwned = 0

  constructor(options: RestoreFilesOptions, target: RestoreTarget) {
    this.#options = options
    this.#target = target
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
    this.#progress = { phase: 'reading', filesTotal: null, bytesTotal: null, filesDone: 0, bytesDone: 0 }
    const onEnd = (planned: PlannedFile, error: Error | null): void => {
      this.#endSmall(planned, error)
    }
    const onNotOwned = (): void => {
      this.#notOwned += 1
    }
    this.#whole = new WholeFiles({ name: options.reader.name, target, onEnd, onNotOwned })
  }

  async run(): Promise<RestoredFiles> {
    const { reader, to, onProgress } = this.#options
    onProgress(this.#progress)
    const { plan, isProved } = await this.#makePlan()
    this.#plan = plan
    this.#progress.filesTotal = plan.files
    this.#progress.bytesTotal = plan.bytes
    await this.#target.mustHold(plan.missingBytes)
    this.#progress.phase = 'restoring'
    this.#isBegun = true
    const groups = grouped(this.#missing(plan), ({ entry }) => reader.pieceOf(entry))
    for await (const _ of orderedParallelMap(groups, (group) => this.#restoreGroup(group), RANGES));
    await this.#whole.end()
    if (this.#signal.aborted) throw abortError(this.#signal)
    this.#whole.close()
    await plan.remove()
    const { told, leftOut, selector } = plan
    // With files missing a later call, with a copy of the archive from elsewhere, may bring them.
    const isPart = !isEverything(this.#options.selection)
    if (told.damagedFiles > 0) await this.#target.leave()
    else if (isPart && plan.files === 0) await this.#target.undo()
    else await this.#target.finish(isPart)
    return {
      to,
      files: this.#files,
      bytes: this.#bytes,
      skipped: this.#skipped,
      leftOut,
      ownerUnknown: plan.ownerUnknown,
      notOwned: this.#notOwned,
      provedBy: isProved ? 'sha256' : 'crc32',
      damagedFiles: told.damagedFiles,
      damaged: told.damaged,
      renamed: told.renamed,
      notFound: selector.notFound(),
    }
  }

  /** After a failure: what is restored stays, and what was not begun leaves nothing. */
  async end(): Promise<void> {
    await this.#whole.end().catch(() => undefined)
    this.#whole.close()
    await this.#plan?.remove().catch(() => undefined)
    if (!this.#isBegun) await this.#target.undo().catch(() => undefined)
  }

  /** A manifest that is damaged itself is reported, and everything is restored without it. */
  async #makePlan(): Promise<{ plan: RestorePlan; isProved: boolean }> {
    const { reader, selection, owner } = this.#options
    const options = { reader, target: this.#target, selection, owner, signal: this.#signal }
    try {
      const plan = await RestorePlan.make({ ...options, useManifest: true })
      return { plan, isProved: reader.manifestEntry !== null }
    } catch (error) {
      if (!(error instanceof DamagedEntry) || !isEverything(selection)) throw error
      const plan = await RestorePlan.make({ ...options, useManifest: false })
      plan.told.damage(MANIFEST_NAME, error.reason)
      return { plan, isProved: false }
    }
  }

  /** Files of the plan that are not there yet. Folders are made at once. */
  async *#missing(plan: RestorePlan): AsyncGenerator<PlannedFile> {
    const looked = orderedParallelMap(plan.read(), (planned) => this.#failing(() => this.#look(planned)), LOOKS)
    for await (const planned of looked) if (planned !== null) yield planned
  }

  async #look(planned: PlannedFile): Promise<PlannedFile | null> {
    if (this.#signal.aborted) throw abortError(this.#signal)
    return await this.#telling(planned, async () => {
      if (isFolder(planned.entry)) {
        await this.#target.folders.make(planned.parts)
        return null
      }
      const found = !this.#target.isEmpty && (await isRestored(planned, this.#target))
      if (found === false) return planned
      if (found === 'not-owned') this.#notOwned += 1
      this.#skipped += 1
      this.#done(planned.entry.size)
      return null
    })
  }

  async #restoreGroup(group: readonly PlannedFile[]): Promise<void> {
    const batches = this.#whole.batches()
    try {
      await this.#failing(async () => {
        const contents = this.#options.reader.contents(group, ({ entry }) => entry, this.#signal)
        for await (const { item, content, data } of contents) {
          if (this.#signal.aborted) throw abortError(this.#signal)
          if (!isSmall(item.entry)) await this.#telling(item, () => this.#restoreOne(item, content))
          else await this.#telling(item, () => this.#beginSmall(() => batches.add(item, data), item))
        }
        await this.#ended(batches)
      })
    } finally {
      // After a failure: what is here already is written, and need not be fetched again.
      await batches.end().catch(() => undefined)
    }
  }

  async #ended(batches: WholeBatches): Promise<void> {
    try {
      await batches.end()
    } catch (error) {
      throw targetError(error, this.#options.to, 'folder')
    }
  }

  /** A small file that cannot be begun is done; the others are when they end. */
  async #beginSmall(begin: () => Promise<void>, { entry }: PlannedFile): Promise<null> {
    try {
      await begin()
    } catch (error) {
      this.#done(entry.size)
      throw error
    }
    return null
  }

  #endSmall(planned: PlannedFile, error: Error | null): void {
    this.#done(planned.entry.size)
    if (error === null) {
      this.#files += 1
      this.#bytes += planned.entry.size
      return
    }
    try {
      this.#tell(planned, error)
    } catch (fatal) {
      this.#stop.abort(asBackupError(fatal, this.#options.signal))
    }
  }

  async #restoreOne(planned: PlannedFile, content: AsyncIterable<Uint8Array>): Promise<null> {
    let written = 0
    const onBytes = (bytes: number): void => {
      written += bytes
      this.#progress.bytesDone += bytes
    }
    try {
      if (!(await restoreFile(planned, content, this.#target, onBytes))) this.#notOwned += 1
      this.#files += 1
      this.#bytes += planned.entry.size
    } finally {
      this.#done(planned.entry.size - written)
    }
    return null
  }

  #done(bytes: number): void {
    this.#progress.filesDone += 1
    this.#progress.bytesDone += bytes
  }

  /** What is wrong with one file is reported; everything else is thrown. */
  async #telling<T>(planned: PlannedFile, step: () => Promise<T>): Promise<T | null> {
    try {
      return await step()
    } catch (error) {
      this.#tell(planned, error)
      return null
    }
  }

  #tell({ entry }: PlannedFile, error: unknown): void {
    const found = targetError(error, this.#options.to)
    if (found instanceof DamagedEntry) this.#plan?.told.damage(entry.name, found.reason)
    else if (found instanceof NotRestored) this.#plan?.told.damage(entry.name, found.message)
    else throw found
  }

  async #failing<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      this.#stop.abort(asBackupError(error, this.#options.signal))
      throw error
    }
  }
}
