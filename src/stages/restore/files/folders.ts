import { lstat, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder } from '../../../pipeline/files/state-file.ts'
import { systemCode } from '../../../pipeline/contract/errors.ts'
import { NotRestored } from './errors.ts'

/** So many folders are remembered as being there; neighbouring files share theirs. */
const MOST_KNOWN = 4096

/** Folders below a root that are made as they are needed, and never reached through a link. */
export class Folders {
  readonly #root: string
  /** By the path below the root; the order is that of use. */
  readonly #known = new Map<string, Promise<string>>()

  constructor(root: string) {
    this.#root = root
  }

  /** The path of a folder, which is there now. Rejects with NotRestored when a link or a file is in the way. */
  async make(parts: readonly string[]): Promise<string> {
    if (parts.length === 0) return this.#root
    const key = parts.join('/')
    const known = this.#known.get(key)
    const made = known ?? this.#make(parts)
    this.#known.delete(key)
    this.#known.set(key, made)
    try {
      const folder = await made
      await this.#forgetOldest()
      return folder
    } catch (error) {
      this.#known.delete(key)
      throw error
    }
  }

  /** The names in all folders so far survive a power cut. */
  async sync(): Promise<void> {
    for (const made of [...this.#known.values()]) await syncFolder(await made)
    await syncFolder(this.#root)
    this.#known.clear()
  }

  async #make(parts: readonly string[]): Promise<string> {
    const parent = await this.make(parts.slice(0, -1))
    const folder = path.join(parent, parts.at(-1) ?? '')
    try {
      await mkdir(folder)
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      const found = await lstat(folder)
      if (found.isSymbolicLink()) throw new NotRestored('a link is in the place of its folder')
      if (!found.isDirectory()) throw new NotRestored('a file is in the place of its folder')
    }
    return folder
  }

  async #forgetOldest(): Promise<void> {
    const [oldest] = this.#known
    if (this.#known.size <= MOST_KNOWN || oldest === undefined) return
    this.#known.delete(oldest[0])
    await syncFolder(await oldest[1])
  }
}
