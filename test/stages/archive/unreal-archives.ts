/** Archives that are larger than what anyone wants to write, made as they are read. */
import { extraField, zipOf } from './zip-bytes.ts'

/** A stored entry of 5 GiB of zeros that nobody keeps, and a small one behind it. */
export function beyond4GiB() {
  const zeros = 5 * 2 ** 30
  const content = 'behind it all '.repeat(10_000)
  const behind = zipOf([{ name: 'last', content: Buffer.from(content), method: 0 }])
  const local = behind.subarray(0, behind.indexOf('PK\x01\x02', 0, 'latin1'))
  const first = Buffer.from(zipOf([{ name: 'zero', method: 0 }]).subarray(0, 34))
  // Flags: CRC and sizes come behind the data, and so are not told here.
  first.writeUInt16LE(8, 6)
  const lastAt = first.length + zeros
  const directoryAt = lastAt + local.length
  const zip64 = (...numbers: number[]): Buffer => {
    const data = Buffer.alloc(8 * numbers.length)
    for (const [n, number] of numbers.entries()) data.writeBigUInt64LE(BigInt(number), 8 * n)
    return extraField(1, data)
  }
  const told = 0xffffffff
  const records = zipOf([
    { name: 'zero', method: 0, told: { size: told, packed: told }, extra: zip64(zeros, zeros), isGhost: true },
    {
      name: 'last',
      method: 0,
      content: Buffer.from(content),
      told: { start: told },
      extra: zip64(lastAt),
      isGhost: true,
    },
  ]).subarray(0, -22)
  const end = endOf({ entries: 2, size: records.length, at: directoryAt })
  const tail = Buffer.concat([local, records, end])
  const ranges: number[] = []
  const remote = {
    name: 'large.zip',
    bytes: lastAt + tail.length,
    async *read(from: number, to: number) {
      ranges.push(to - from)
      const bytes = Buffer.alloc(to - from)
      first.copy(bytes, 0, Math.min(from, first.length), Math.min(to, first.length))
      if (to > lastAt) tail.copy(bytes, Math.max(0, lastAt - from), Math.max(0, from - lastAt), to - lastAt)
      yield await Promise.resolve(bytes)
    },
  }
  return { remote, content, ranges }
}

/** Only the directory is there, made as it is read: stored entries of 100 bytes, each with a name of 40. */
export function manyEntries(count: number) {
  const name = (n: number): string => `dicom_files/${String(n).padStart(28, '0')}`
  const [model] = [zipOf([{ name: name(0), method: 0, told: { packed: 100, size: 100 }, isGhost: true }])]
  const recordBytes = 86
  const entryBytes = 30 + 40 + 100
  const record = model.subarray(0, recordBytes)
  const directoryAt = count * entryBytes
  const end = endOf({ entries: count, size: count * recordBytes, at: directoryAt })
  return {
    name: 'many.zip',
    bytes: directoryAt + count * recordBytes + end.length,
    async *read(from: number, to: number) {
      const bytes = Buffer.alloc(to - from)
      for (let n = Math.max(0, Math.floor((from - directoryAt) / recordBytes)); n < count; n += 1) {
        const at = directoryAt + n * recordBytes - from
        if (at >= bytes.length) break
        const one = Buffer.from(record)
        one.write(name(n), 46)
        one.writeUInt32LE(n * entryBytes, 42)
        one.copy(bytes, Math.max(0, at), Math.max(0, -at))
      }
      const endAt = directoryAt + count * recordBytes
      if (to > endAt) end.copy(bytes, Math.max(0, endAt - from), Math.max(0, from - endAt))
      yield await Promise.resolve(bytes)
    },
  }
}

/** ZIP64 end record, its locator, and an end record that refers to them (APPNOTE 4.3.14–4.3.16). Sizes in bytes. */
function endOf(directory: { readonly entries: number; readonly size: number; readonly at: number }): Buffer {
  const end = Buffer.alloc(56 + 20 + 22)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(BigInt(directory.entries), 32)
  end.writeBigUInt64LE(BigInt(directory.size), 40)
  end.writeBigUInt64LE(BigInt(directory.at), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(directory.at + directory.size), 56 + 8)
  end.writeUInt32LE(0x06054b50, 76)
  end.fill(0xff, 76 + 8, 76 + 20)
  return end
}
