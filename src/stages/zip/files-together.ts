import { PART_BYTES } from '../../pipeline/contract/digests.ts'
import { FIRST_FILE_BYTES } from '../plan/plan-file.ts'
import { type PlanLine } from '../plan/plan-reader.ts'
import type { WholeFile } from './prepare-file.ts'
import type { PreparedItem } from './prepare-files.ts'

export interface WholeItem {
  readonly one: WholeFile
  readonly from: PlanLine
}

/**
 * The items, from the first on, that can go out as one chunk at `offset` of the archive: files that are whole and lie one
 * behind the other in memory, up to the end of the part that the first begins in. Between them nobody need go on: of all
 * places in a part the last one counts. Empty when the first has to go by itself: it is not whole, or would have the
 * folder's entry before it.
 */
export function filesTogether(items: readonly PreparedItem<PlanLine>[], offset: number): WholeItem[] {
  const room = PART_BYTES - (offset % PART_BYTES)
  const together: WholeItem[] = []
  let bytes = 0
  for (const { one, from } of items) {
    if (one.kind !== 'whole' || (offset === 0 && bytes === 0 && one.size > FIRST_FILE_BYTES)) break
    bytes += one.entry.length
    if (together.length > 0 && (bytes > room || !isBehind(one.entry, together.at(-1)?.one.entry))) break
    together.push({ one, from })
  }
  return together
}

const isBehind = (bytes: Uint8Array, others: Uint8Array | undefined): boolean =>
  others !== undefined && bytes.buffer === others.buffer && bytes.byteOffset === others.byteOffset + others.length
