/** An archive folder that changes, and what each of its files has ever been: an archive may hold no other state. */
import { createHash } from 'node:crypto'
import { open, readFile, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import type { Rig } from './rig.ts'
import type { Seeded } from './seed.ts'

const KIB = 1024
const MIB = 1024 * KIB

export type SourceChange = 'same size' | 'same size and time' | 'other size' | 'append' | 'remove' | 'add'

const CHANGES: readonly SourceChange[] = ['same size', 'same size and time', 'other size', 'append', 'remove', 'add']

/** How large the archive folder is: numbers of files of each kind. */
export interface SourceSize {
  /** Up to 100 KiB. */
  readonly small: number
  /** 1 to 4 MiB: read whole. */
  readonly medium: number
  /** Bytes of those that are streamed; the first is one that deflate makes smaller, the next is not, and so on. */
  readonly large: readonly number[]
}

const NAMES = ['CT 1', 'Größe', '放射線 🩻', "O'Brien & Söhne", 'שלום', '#%+;=']

/** The paths, below the archive folder and with '/', of what is and was there, and the SHA-256 of each state. */
export class Sources {
  readonly #rig: Pick<Rig, 'root' | 'put'>
  readonly #random: Seeded
  readonly #states = new Map<string, Set<string>>()
  /** Files that an archive begun before any change must know. */
  readonly first = new Set<string>()
  /** Files of `first` that something was done to. */
  readonly changed = new Set<string>()
  readonly removed = new Set<string>()
  #added = 0

  private constructor(rig: Pick<Rig, 'root' | 'put'>, random: Seeded) {
    this.#rig = rig
    this.#random = random
  }

  /** Fills the archive folder. The same seed gives the same files. */
  static async create(rig: Pick<Rig, 'root' | 'put'>, random: Seeded, size: SourceSize): Promise<Sources> {
    const sources = new Sources(rig, random)
    for (let n = 0; n < size.small; n += 1) {
      const folder = random.pick(NAMES)
      await sources.#putFirst(
        `${folder}/${random.below(4)}/${n}.dcm`,
        n === 0 ? 0 : random.below(100 * KIB),
        n % 2 === 0,
      )
    }
    for (let n = 0; n < size.medium; n += 1) {
      await sources.#putFirst(`${random.pick(NAMES)}/medium ${n}.dcm`, random.between(MIB, 4 * MIB), random.chance(0.3))
    }
    for (const [n, bytes] of size.large.entries()) {
      await sources.#putFirst(`${random.pick(NAMES)}/large ${n} 🫀.dcm`, bytes, n % 2 === 0)
    }
    return sources
  }

  /** SHA-256 of everything that a file has been. */
  states(file: string): ReadonlySet<string> {
    return this.#states.get(file) ?? new Set()
  }

  get all(): readonly string[] {
    return [...this.#states.keys()]
  }

  /**
   * Does one thing to one file, half the time to `likely` when it is there: the one that was being stored. Says what it
   * did.
   */
  async change(likely: string | null): Promise<string> {
    const random = this.#random
    const there = this.all.filter((file) => !this.removed.has(file))
    const what = random.pick(CHANGES)
    const halfTime = random.chance(0.5)
    const file = likely !== null && halfTime && there.includes(likely) ? likely : random.pick(there)
    if (what === 'add') {
      this.#added += 1
      const added = `${random.pick(NAMES)}/added ${this.#added}.dcm`
      await this.#put(added, this.#content(random.below(300 * KIB), random.chance(0.5)))
      return `add ${added}`
    }
    this.changed.add(file)
    await this.#changeOne(file, what)
    return `${what}: ${file}`
  }

  async #changeOne(file: string, what: Exclude<SourceChange, 'add'>): Promise<void> {
    const full = path.join(this.#rig.root, file)
    const { size, atime, mtime } = await stat(full)
    const isText = this.#random.chance(0.5)
    switch (what) {
      case 'remove':
        this.removed.add(file)
        await rm(full)
        return
      case 'append':
        await this.#put(
          file,
          Buffer.concat([await readFile(full), this.#content(this.#random.between(1, MIB), isText)]),
        )
        return
      case 'other size':
        await this.#put(file, this.#content(this.#random.below(2 * size + 1), isText))
        return
      case 'same size':
        await this.#put(file, this.#content(size, isText))
        return
      case 'same size and time':
        // As a viewer does that writes into a file and puts its time back: only from some byte on it is another one.
        await this.#overwriteTail(full, size)
        await utimes(full, atime, mtime)
        this.#note(file, await readFile(full))
    }
  }

  async #overwriteTail(full: string, size: number): Promise<void> {
    const from = this.#random.below(size + 1)
    const handle = await open(full, 'r+')
    try {
      await handle.write(this.#content(size - from, false), 0, size - from, from)
    } finally {
      await handle.close()
    }
  }

  async #putFirst(file: string, bytes: number, isText: boolean): Promise<void> {
    await this.#put(file, this.#content(bytes, isText))
    const time = new Date(Date.UTC(2024, 0, 1) + this.#random.below(86_400_000 * 365))
    await utimes(path.join(this.#rig.root, file), time, time)
    this.first.add(file)
  }

  async #put(file: string, content: Buffer): Promise<void> {
    this.#note(file, content)
    await this.#rig.put(file, content)
  }

  #note(file: string, content: Buffer): void {
    const states = this.#states.get(file) ?? new Set()
    this.#states.set(file, states.add(createHash('sha256').update(content).digest('hex')))
  }

  /** Text is a fifth as large deflated; no other content is the same. */
  #content(length: number, isText: boolean): Buffer {
    if (!isText) return this.#random.bytes(length)
    const words = this.#random.bytes(Math.ceil(length / 8)).toString('hex')
    return Buffer.from(words.replace(/(.{2})/g, 'pixel$1 ').slice(0, length)).subarray(0, length)
  }
}
