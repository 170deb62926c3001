import { asBackupError } from '../contract/errors.ts'
import { asLine, FORMAT_LINE, type Made, type RecordLine, type UploadNote, type WholeObject } from './journal-line.ts'
import { Journal } from './journal.ts'
import type { Json } from '../contract/source.ts'

export type { Made, UploadNote, WholeObject } from './journal-line.ts'

/** A journal longer than this many bytes is folded into what it comes to. */
const FOLD_BYTES = 4 * 1024 * 1024

export const NO_UPLOAD: UploadNote = { token: null, held: 0, stored: null, error: null, hopeless: false }

/** What a run's journal comes to. */
export class RunState {
  readonly facts = new Map<string, Json>()
  readonly uploads = new Map<string, UploadNote>()
  made: Made = { parts: 0, bytes: 0, digest: null }
  whole: WholeObject | null = null

  /** `file`: the journal, for errors. Throws as `asLine` does. */
  static of(records: readonly unknown[], file: string): RunState {
    const state = new RunState()
    for (const record of records) state.take(asLine(record, file))
    return state
  }

  /** What a journal comes to that may be in another process's use. Changes nothing. Rejects like `of`, and with E_STATE. */
  static async read(file: string): Promise<RunState> {
    return RunState.of(await Journal.read(file), file)
  }

  upload(destination: string): UploadNote {
    return this.uploads.get(destination) ?? NO_UPLOAD
  }

  take(line: RecordLine): void {
    switch (line.is) {
      case 'format':
        break
      case 'fact':
        this.facts.set(line.name, line.value)
        break
      case 'made':
        this.made = line.made
        this.whole = line.whole
        break
      case 'upload':
        this.uploads.set(line.destination, line.note)
        break
      case 'held':
        this.uploads.set(line.destination, { ...this.upload(line.destination), held: line.held })
        break
    }
  }

  /** The shortest journal that comes to the same. */
  lines(): RecordLine[] {
    return [
      FORMAT_LINE,
      ...[...this.facts].map(([name, value]): RecordLine => ({ is: 'fact', name, value })),
      { is: 'made', made: this.made, whole: this.whole },
      ...[...this.uploads].map(([destination, note]): RecordLine => ({ is: 'upload', destination, note })),
    ]
  }
}

/**
 * The journal of one run: what has to be known to go on with it in a later process. Every change is a line; nothing
 * that depends on a change is done before `sync`.
 */
export class RunRecord {
  readonly state: RunState
  readonly #journal: Journal
  #foldAt: number

  private constructor(journal: Journal, state: RunState) {
    this.#journal = journal
    this.state = state
    this.#foldAt = FOLD_BYTES
  }

  /**
   * Opens or creates it, and folds what it holds, where that can be done. `check` sees what it comes to before anything is
   * changed, and may throw. Rejects with E_QUOTA or E_STATE, and like `RunState.of`.
   */
  static async open(file: string, check: (state: RunState) => void = () => undefined): Promise<RunRecord> {
    const { journal, records } = await Journal.open(file, (found) => {
      check(RunState.of(found, file))
    })
    try {
      const record = new RunRecord(journal, RunState.of(records, file))
      if (records.length > 0) await record.#fold()
      else journal.append(FORMAT_LINE)
      return record
    } catch (error) {
      await journal.close().catch(() => undefined)
      throw error
    }
  }

  /** Facts that the engine does not look into; the last of a name counts. */
  fact(name: string, value: Json): void {
    this.#add({ is: 'fact', name, value })
  }

  made(made: Made, whole: WholeObject | null): void {
    this.#add({ is: 'made', made, whole })
  }

  upload(destination: string, change: Partial<UploadNote>): void {
    this.#add({ is: 'upload', destination, note: { ...this.state.upload(destination), ...change } })
  }

  held(destination: string, held: number): void {
    this.#add({ is: 'held', destination, held })
  }

  /** Resolves when everything noted so far survives a power cut. Rejects with E_QUOTA or E_STATE. */
  async sync(): Promise<void> {
    if (this.#journal.bytes > this.#foldAt) await this.#fold()
    else await this.#journal.sync()
  }

  async close(): Promise<void> {
    await this.#journal.close()
  }

  #add(line: RecordLine): void {
    this.state.take(line)
    this.#journal.append(line)
  }

  /** A journal that cannot be folded now (another program has it open) is whole as it is, only longer. */
  async #fold(): Promise<void> {
    this.#foldAt = Infinity
    try {
      await this.#journal.fold(this.state.lines())
    } catch (error) {
      if (asBackupError(error).code !== 'E_STATE') throw error
      await this.#journal.sync()
    }
    this.#foldAt = this.#journal.bytes + FOLD_BYTES
  }
}
