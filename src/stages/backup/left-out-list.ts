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

  /** Those that an earlier process left out, from its lines of the manifest. Rejects as `lines` does. */
  async addFrom(lines: AsyncIterable<SkippedLine>): Promise<void> {
    for await (const { path, skipped } of lines) this.#add(path, skipped)
  }

  #add(path: string, reason: string): void {
    this.count += 1
    if (this.named.length < MOST_NAMED) this.named.push({ path, reason })
  }
}
