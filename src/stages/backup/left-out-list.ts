import type { LeftOut } from '../plan/types.ts'
import { FILES_FOLDER } from '../zip/prepare-file.ts'
import { entryName } from '../plan/file-name.ts'

/** How many left-out files a result names; the manifest names all of them. */
const MOST_NAMED = 10_000

/** The files that a run leaves out, for its result, in bounded memory. */
export class LeftOutList {
  readonly named: { readonly path: string; readonly reason: string }[] = []
  count = 0

  add({ path, reason }: LeftOut): void {
    this.count += 1
    if (this.named.length < MOST_NAMED) this.named.push({ path: `${FILES_FOLDER}/${entryName(path)}`, reason })
  }
}
