import { readJsonLinesAt } from '../../pipeline/spill-file.ts'
import { entryName, FILES_FOLDER } from '../plan/file-name.ts'
import type { LeftOut } from '../plan/types.ts'
import type { SkippedLine } from '../zip/manifest.ts'

/** How many left-out files a result names; the manifest names all of them. */
const MOST_NAMED = 10_000

/** The files that a run leaves out, for its result, in bounded memory. */
export class LeftOutList {
  readonly named: { readonly path: string; readonly reason: string }[] = []
  count = 0

  add({ path, reason }: LeftOut): void {
    this.#add(`${FILES_FOLDER}/${entryName(path)}`, reason)
  }

  /** Those that an earlier process left out, from its lines of the manifest: `bytes` of a file. Rejects with E_STATE. */
  async addFrom(manifest: string, bytes: number): Promise<void> {
    if (bytes === 0) return
    for await (const { value } of readJsonLinesAt(manifest, 0, bytes)) {
      const { path, skipped } = value as { readonly [K in keyof SkippedLine]?: unknown }
      if (typeof path === 'string' && typeof skipped === 'string') this.#add(path, skipped)
    }
  }

  #add(path: string, reason: string): void {
    this.count += 1
    if (this.named.length < MOST_NAMED) this.named.push({ path, reason })
  }
}
