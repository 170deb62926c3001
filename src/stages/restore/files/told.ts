import type { RestoredFiles } from './types.ts'

const MOST_KEPT = 1000

/** What a restore has to tell of single files, in bounded memory. */
export class Told {
  damagedFiles = 0
  readonly damaged: { readonly path: string; readonly reason: string }[] = []
  readonly renamed: RestoredFiles['renamed'][number][] = []

  damage(path: string, reason: string): void {
    this.damagedFiles += 1
    if (this.damaged.length < MOST_KEPT) this.damaged.push({ path, reason })
  }

  renaming(path: string, to: string, reason: string): void {
    if (this.renamed.length < MOST_KEPT) this.renamed.push({ path, to, reason })
  }
}
