const NEWLINE = 0x0a

/**
 * The lines of UTF-8 text: a line feed ends each and nothing else does. Null in the place of one with more than `most`
 * bytes, and of a last one that no line feed ends; it is the last that comes.
 */
export async function* linesOf(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string | null> {
  let begun: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    const block = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let start = 0
    for (let end = block.indexOf(NEWLINE); end !== -1; end = block.indexOf(NEWLINE, start)) {
      const rest = block.subarray(start, end)
      yield begun.length === 0 ? rest.toString() : Buffer.concat([...begun, rest]).toString()
      begun = []
      bytes = 0
      start = end + 1
    }
    bytes += block.length - start
    if (bytes > most) break
    // A chunk is valid until the next is asked for.
    if (start < block.length) begun.push(Buffer.from(block.subarray(start)))
  }
  if (bytes > 0) yield null
}
