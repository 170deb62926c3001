import { readSpill } from '../../pipeline/files/spill-file.ts'
import { recordAt } from './directory.ts'

/**
 * The directory records in a file, from byte `from` to before byte `to`: where in the archive each entry begins, and its
 * name.
 */
export async function* readRecords(
  file: string,
  from: number,
  to: number,
): AsyncGenerator<{ readonly start: number; readonly name: string }> {
  // Nothing to be read: the file need not be there yet.
  if (from >= to) return
  let rest: Buffer = Buffer.alloc(0)
  for await (const piece of readSpill(file, from, to)) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    for (let record = recordAt(rest); record !== null; record = recordAt(rest)) {
      yield { start: record.start, name: record.name }
      rest = rest.subarray(record.bytes)
    }
    rest = Buffer.from(rest)
  }
}
