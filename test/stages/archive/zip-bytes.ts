/** Any ZIP archive, put together by hand: also ones that no honest program writes. APPNOTE 4.3. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface HandMade {
  readonly name: string | Buffer
  readonly content?: Buffer
  /** 0 stored, 8 deflated (default). */
  readonly method?: number
  readonly flags?: number
  /** What the directory record says in place of the truth; `start` is where in the archive. */
  readonly told?: Partial<Record<'crc' | 'packed' | 'size' | 'start' | 'method', number>>
  readonly localName?: string | Buffer
  /** Extra fields of the local record, those of the directory's. */
  readonly localExtra?: Buffer
  readonly extra?: Buffer
  /** Instead of what the method makes of the content. */
  readonly data?: Buffer
  /** Bytes behind the data. */
  readonly behind?: Buffer
  /** Has no local record and no data of its own: `told.start` leads to another's. */
  readonly isGhost?: boolean
}

export interface ArchiveOptions {
  /** The order of the directory's records; all as they come by default. */
  readonly order?: readonly number[]
  /** Entries that the end record says there are. */
  readonly count?: number
  readonly comment?: string
}

export function zipOf(entries: readonly HandMade[], { order, count, comment = '' }: ArchiveOptions = {}): Buffer {
  const parts: Buffer[] = []
  const records: Buffer[] = []
  let offset = 0
  const put = (part: Buffer): void => {
    parts.push(part)
    offset += part.length
  }
  for (const one of entries) {
    const { content = Buffer.alloc(0), method = 8, flags = 1 << 11, told = {}, extra = Buffer.alloc(0) } = one
    const data = one.data ?? (method === 8 ? deflateRawSync(content) : content)
    const crc = crc32(content)
    const start = offset
    const says = { crc, packed: data.length, size: content.length, start, method, ...told }
    if (one.isGhost !== true) {
      const name = Buffer.from(one.localName ?? one.name)
      const localExtra = one.localExtra ?? Buffer.alloc(0)
      const local = Buffer.alloc(30)
      local.writeUInt32LE(0x04034b50, 0)
      local.writeUInt16LE(20, 4)
      local.writeUInt16LE(flags, 6)
      local.writeUInt16LE(method, 8)
      local.writeUInt16LE(0x5b77, 12)
      local.writeUInt32LE(crc, 14)
      local.writeUInt32LE(data.length, 18)
      local.writeUInt32LE(content.length, 22)
      local.writeUInt16LE(name.length, 26)
      local.writeUInt16LE(localExtra.length, 28)
      put(Buffer.concat([local, name, localExtra, data, one.behind ?? Buffer.alloc(0)]))
    }
    const name = Buffer.from(one.name)
    const record = Buffer.alloc(46)
    record.writeUInt32LE(0x02014b50, 0)
    record.writeUInt16LE((3 << 8) | 20, 4)
    record.writeUInt16LE(20, 6)
    record.writeUInt16LE(flags, 8)
    record.writeUInt16LE(says.method, 10)
    record.writeUInt16LE(0x5b77, 14)
    record.writeUInt32LE(says.crc, 16)
    record.writeUInt32LE(says.packed, 20)
    record.writeUInt32LE(says.size, 24)
    record.writeUInt16LE(name.length, 28)
    record.writeUInt16LE(extra.length, 30)
    record.writeUInt32LE(says.start, 42)
    records.push(Buffer.concat([record, name, extra]))
  }
  const directory = Buffer.concat((order ?? records.map((_, n) => n)).map((n) => records[n] ?? Buffer.alloc(0)))
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count ?? records.length, 8)
  end.writeUInt16LE(count ?? records.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  end.writeUInt16LE(Buffer.byteLength(comment), 20)
  return Buffer.concat([...parts, directory, end, Buffer.from(comment)])
}

/** A field of the directory or a local record: id and data (4.5.1). */
export function extraField(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(id, 0)
  head.writeUInt16LE(data.length, 2)
  return Buffer.concat([head, data])
}
