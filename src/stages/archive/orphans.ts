import type { ManifestFile } from './manifest-line.ts'

/** So many are remembered, to be known again when their other comes late. */
const MOST = 10_000

export type Orphan = readonly [path: string, line: ManifestFile | null]

/** Paths that have no other so far, with their lines. Bounded: the oldest is reported when there are too many. */
export class Orphans {
  readonly #paths = new Map<string, ManifestFile | null>()

  /** Returns what there is no room for any more. */
  add(path: string, line: ManifestFile | null): Orphan[] {
    this.#paths.set(path, line)
    const [oldest] = this.#paths
    if (this.#paths.size <= MOST || oldest === undefined) return []
    this.#paths.delete(oldest[0])
    return [oldest]
  }

  /** Undefined: it is none of them. */
  take(path: string): ManifestFile | null | undefined {
    const line = this.#paths.get(path)
    this.#paths.delete(path)
    return line
  }

  all(): Iterable<Orphan> {
    return this.#paths
  }
}
