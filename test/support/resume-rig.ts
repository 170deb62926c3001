/** One archive on its way to far sides in memory, through as many processes as it takes. */
import { cpSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Delivery } from '../../src/pipeline/deliver.ts'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import type { DigestName } from '../../src/pipeline/contract/digests.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { ProgressReporter } from '../../src/pipeline/contract/progress.ts'
import type { UploadNote } from '../../src/pipeline/journal/run-record.ts'
import { ByteSource, type ByteWorld } from './byte-source.ts'
import { deliver } from './deliver.ts'
import { openKeeping, watchSyncs } from './keeping.ts'
import { memoryDestination, type MemoryDestination, type MemoryOptions } from './memory-destination.ts'
import { observed, type Call } from './observed.ts'

export const OBJECT = 'a.zip'

export interface ProcessOptions {
  /** At the n-th event, from 1, the process is gone: what it has written stays, what it does later has no effect. */
  readonly killAt?: number
  /** The process is gone at the first such call. */
  readonly killWhen?: (call: Call) => boolean
  /** Hears of each call to a far side before a kill is thought of. */
  readonly onCall?: (call: Call) => void | Promise<void>
  /** How the process's destinations are wrapped. */
  readonly wrap?: (destination: Destination) => Destination
  readonly slots?: number
  /** Names of those it goes to; all unless given. */
  readonly to?: readonly string[]
  /** As deliver's. */
  readonly digests?: readonly DigestName[]
  readonly signal?: AbortSignal
}

export interface Ended {
  readonly delivery: Delivery
  readonly source: ByteSource
  readonly killed: boolean
  /** Calls to the far sides, in their order. */
  readonly calls: readonly Call[]
}

export interface Found {
  /** Bytes that may have been sent. */
  readonly made: number
  readonly isWhole: boolean
  readonly uploads: ReadonlyMap<string, UploadNote>
  /** Bytes that each far side holds; null where no upload is noted. */
  readonly held: readonly (number | null)[]
}

export class ResumeRig {
  readonly world: ByteWorld
  readonly far: readonly MemoryDestination[]
  /** Bytes that each far side was sent, by all processes. */
  readonly sent: number[]
  readonly #root: string
  #processes = 0
  #folder: string

  /**
   * `root`: a folder of its own, there or not. `requests`: for each far side, the bytes of its requests. `options`: more
   * of it, likewise.
   */
  constructor(root: string, world: ByteWorld, requests: readonly number[], options: readonly MemoryOptions[] = []) {
    this.#root = root
    this.#folder = path.join(root, 'first')
    mkdirSync(this.#folder, { recursive: true })
    this.world = world
    this.far = requests.map((requestBytes, n) => memoryDestination(`d${n}`, { requestBytes, ...options[n] }))
    this.sent = requests.map(() => 0)
  }

  /** The state folder as the last process left it. */
  get folder(): string {
    return this.#folder
  }

  /** What a later process finds. */
  async found(): Promise<Found> {
    const runStore = await openKeeping(this.folder)
    const { state } = runStore.record
    const never = new AbortController().signal
    try {
      const held = await Promise.all(
        this.far.map(async (far) => {
          const { token, stored, held: noted } = state.upload(far.name)
          if (stored !== null) return stored.bytes
          return token === null ? null : (await far.resume(token, noted, never)).held
        }),
      )
      return { made: state.made.bytes, isWhole: state.whole !== null, uploads: new Map(state.uploads), held }
    } finally {
      await runStore.close()
    }
  }

  objects(): (Buffer | undefined)[] {
    return this.far.map(({ objects }) => objects.get(OBJECT))
  }

  /** One process, from its start to its end or its kill. */
  async run(options: ProcessOptions = {}): Promise<Ended> {
    const next = path.join(this.#root, `after-${(this.#processes += 1)}`)
    const calls: Call[] = []
    let events = 0
    let killed = false
    const pass = (call?: Call): void => {
      events += 1
      const isNow = events === options.killAt || (call !== undefined && options.killWhen?.(call) === true)
      if (isNow && !killed) {
        // At one moment: what is written by then outlives the process, half a write as well.
        cpSync(this.folder, next, { recursive: true })
        killed = true
      }
      if (killed) throw new BackupError('E_DESTINATION', 'killed')
    }
    const all = this.far.map((inner, n) => {
      const watched = observed(inner, async (call) => {
        if (!killed) {
          if (!call.answered) {
            calls.push({ ...call, chunks: [] })
            this.sent[n] = (this.sent[n] ?? 0) + call.bytes
          }
          await options.onCall?.(call)
        }
        pass(call)
      })
      return options.wrap?.(watched) ?? watched
    })
    const destinations = all.filter(({ name }) => options.to?.includes(name) ?? true)
    const runStore = await openKeeping(this.folder, options.slots)
    watchSyncs(runStore.record, () => {
      pass()
      return pass
    })
    const source = new ByteSource(this.world, pass)
    try {
      const delivery = await deliver({
        source,
        object: OBJECT,
        destinations,
        digests: options.digests ?? [],
        runStore,
        reporter: new ProgressReporter(destinations.map(({ name }) => name)),
        signal: options.signal ?? new AbortController().signal,
      })
      return { delivery, source, killed, calls }
    } finally {
      await runStore.close()
      if (killed) this.#folder = next
    }
  }
}
