/** The end of a ZIP: what it says of itself, and whether that is so (APPNOTE 6.3.10, 4.3.14 to 4.3.16). */

const END = 0x06054b50
const END_BYTES = 22
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const LOCATOR_BYTES = 20

/**
 * How many entries the directory has, by the last bytes of an archive of `bytes` bytes. Throws unless the directory ends
 * where the records behind it begin, and these end with the archive, or with zeros behind it that fill its last block.
 */
export function entriesOfZip(tail: Buffer, bytes: number, blockBytes = 1): number {
  const start = bytes - tail.length
  const at = findEnd(tail, bytes % blockBytes === 0 ? blockBytes - 1 : 0)
  if (at === null) throw new Error(`what came (${bytes} bytes) has no end record of a ZIP`)
  const is64 = at >= LOCATOR_BYTES && tail.readUInt32LE(at - LOCATOR_BYTES) === LOCATOR_64
  const found = is64 ? end64(tail, start, at - LOCATOR_BYTES) : end32(tail, start, at)
  if (found.offset + found.size !== found.recordAt) {
    throw new Error(
      `the ZIP's directory ends at ${found.offset + found.size}, the record behind it is at ${found.recordAt}`,
    )
  }
  return found.entries
}

interface End {
  readonly entries: number
  readonly size: number
  readonly offset: number
  /** In the archive. */
  readonly recordAt: number
}

/** Its comment ends with the archive, but for some zeros. */
function findEnd(tail: Buffer, mostZeros: number): number | null {
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== END) continue
    const end = at + END_BYTES + tail.readUInt16LE(at + 20)
    if (end > tail.length || end + mostZeros < tail.length) continue
    if (tail.subarray(end).every((byte) => byte === 0)) return at
  }
  return null
}

const end32 = (tail: Buffer, start: number, at: number): End => ({
  entries: tail.readUInt16LE(at + 10),
  size: tail.readUInt32LE(at + 12),
  offset: tail.readUInt32LE(at + 16),
  recordAt: start + at,
})

function end64(tail: Buffer, start: number, locatorAt: number): End {
  const recordAt = Number(tail.readBigUInt64LE(locatorAt + 8))
  const at = recordAt - start
  if (at < 0 || at + 56 > locatorAt || tail.readUInt32LE(at) !== END_64) {
    throw new Error(`the ZIP64 end record is not at ${recordAt}`)
  }
  return {
    entries: Number(tail.readBigUInt64LE(at + 32)),
    size: Number(tail.readBigUInt64LE(at + 40)),
    offset: Number(tail.readBigUInt64LE(at + 48)),
    recordAt,
  }
}
