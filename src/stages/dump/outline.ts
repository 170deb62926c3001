/** What a dump says of itself while it passes: the tables in it, and whether its last line has come. */
export interface DumpOutline {
  /** Looks at the next bytes; they are not kept. */
  add(chunk: Buffer): void
  readonly bytes: number
  readonly tableNames: readonly string[]
  /** Whether the bytes so far end with the line `-- Dump completed`. */
  readonly complete: boolean
}

const MARK = Buffer.from('\n-- Table structure for table `')
/** More than the longest line that names a table: 64 characters of up to 4 bytes, each quoted at worst. */
const LONGEST_LINE = MARK.length + 600
const TRAILER_BYTES = 256

export function dumpOutline(): DumpOutline {
  const tableNames: string[] = []
  let bytes = 0
  // The first line of all begins a line too.
  let rest: Buffer = Buffer.from('\n')
  let last: Buffer = Buffer.alloc(0)

  return {
    add(chunk) {
      bytes += chunk.length
      last = Buffer.concat([last, chunk.subarray(-TRAILER_BYTES)]).subarray(-TRAILER_BYTES)
      const text = Buffer.concat([rest, chunk])
      let from = 0
      for (;;) {
        const start = text.indexOf(MARK, from)
        if (start < 0) break
        const end = text.indexOf('\n', start + MARK.length)
        if (end < 0 && text.length - start < LONGEST_LINE) {
          rest = text.subarray(start)
          return
        }
        from = end < 0 ? start + MARK.length : end
        const name = /^(.*)`\r?$/.exec(text.toString('utf8', start + MARK.length, from))?.[1]
        if (name !== undefined) tableNames.push(name.replaceAll('``', '`'))
      }
      rest = text.subarray(Math.max(from, text.length - MARK.length + 1))
    },
    get bytes() {
      return bytes
    },
    get tableNames() {
      return tableNames
    },
    get complete() {
      return /(?:^|\n)-- Dump completed[^\n]*\n$/.test(last.toString('latin1'))
    },
  }
}
