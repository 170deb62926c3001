/**
 * Made-up DICOM instances of any number, the same each time: what the demo backs up. Part 10 files in Explicit VR
 * Little Endian (PS3.10 section 7, PS3.5 section 7.1.2), with noisy slices that deflate like real CT does, or with
 * compressed pixel data that does not deflate at all.
 */

const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'
const JPEG_2000_LOSSLESS = '1.2.840.10008.1.2.4.90'

/** Below 2.25 (PS3.5 annex B.2) no organisation has its UIDs. */
const UID_ROOT = '2.25.160815'

export interface InstanceOptions {
  readonly patient: number
  readonly study: number
  readonly series: number
  readonly instance: number
  readonly modality: 'CT' | 'MR' | 'US'
  /** 'raw': uncompressed 16 bit pixels; 'compressed': pixel data as a codec would leave it. */
  readonly pixels: 'raw' | 'compressed'
  readonly rows: number
  readonly columns: number
}

/** One instance as the bytes of its file. */
export function syntheticInstance(options: InstanceOptions): Buffer {
  const { patient, study, series, instance, modality, rows, columns } = options
  const studyUid = `${UID_ROOT}.${patient}.${study}`
  const seriesUid = `${studyUid}.${series}`
  const sopUid = `${seriesUid}.${instance}`
  const syntax = options.pixels === 'raw' ? EXPLICIT_LITTLE_ENDIAN : JPEG_2000_LOSSLESS
  const sopClass = '1.2.840.10008.5.1.4.1.1.2'
  const random = randomSource(patient * 73_856_093 + study * 19_349_663 + series * 83_492_791 + instance + 1)
  const meta = Buffer.concat([
    element(0x0002, 0x0001, 'OB', Buffer.from([0, 1])),
    text(0x0002, 0x0002, 'UI', sopClass),
    text(0x0002, 0x0003, 'UI', sopUid),
    text(0x0002, 0x0010, 'UI', syntax),
  ])
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(0x0002, 0x0000, 'UL', uint32(meta.length)),
    meta,
    text(0x0008, 0x0016, 'UI', sopClass),
    text(0x0008, 0x0018, 'UI', sopUid),
    text(0x0008, 0x0020, 'DA', '20260101'),
    text(0x0008, 0x0060, 'CS', modality),
    text(0x0010, 0x0010, 'PN', `Synthetic^Patient ${patient}`),
    text(0x0010, 0x0020, 'LO', `SYN-${String(patient).padStart(5, '0')}`),
    text(0x0020, 0x000d, 'UI', studyUid),
    text(0x0020, 0x000e, 'UI', seriesUid),
    text(0x0020, 0x0013, 'IS', String(instance)),
    element(0x0028, 0x0010, 'US', uint16(rows)),
    element(0x0028, 0x0011, 'US', uint16(columns)),
    element(0x0028, 0x0100, 'US', uint16(16)),
    options.pixels === 'raw'
      ? element(0x7fe0, 0x0010, 'OW', slice(rows, columns, random))
      : encapsulated(rows * columns, random),
  ])
}

/** A round body with soft structures and noise in air: values like those of a CT, about 2 : 1 under deflate. */
function slice(rows: number, columns: number, random: () => number): Buffer {
  const pixels = Buffer.allocUnsafe(rows * columns * 2)
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const dx = (2 * x) / columns - 1
      const dy = (2 * y) / rows - 1
      const inside = dx * dx + dy * dy < 0.8
      const tissue = inside ? 1040 + Math.round(60 * Math.sin(7 * dx) * Math.cos(5 * dy)) : 0
      const noise = inside ? (random() & 31) + (random() & 31) : 0
      pixels.writeUInt16LE(tissue + noise, (y * columns + x) * 2)
    }
  }
  return pixels
}

/** Pixel data in one fragment (PS3.5 annex A.4). */
function encapsulated(size: number, random: () => number): Buffer {
  const data = Buffer.allocUnsafe(size + (size % 2))
  for (let at = 0; at + 4 <= data.length; at += 4) data.writeUInt32LE(random(), at)
  const item = (value: Buffer): Buffer => Buffer.concat([tag(0xfffe, 0xe000), uint32(value.length), value])
  return Buffer.concat([
    tag(0x7fe0, 0x0010),
    Buffer.from('OB\0\0'),
    uint32(0xffffffff),
    item(Buffer.alloc(0)),
    item(data),
    tag(0xfffe, 0xe0dd),
    uint32(0),
  ])
}

/** xorshift32: 32 random bits a call. */
function randomSource(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const tag = (group: number, number: number): Buffer => Buffer.concat([uint16(group), uint16(number)])

const LONG = ['OB', 'OW', 'UN', 'SQ', 'UT']

function element(group: number, number: number, vr: string, value: Buffer): Buffer {
  const length = LONG.includes(vr) ? Buffer.concat([Buffer.alloc(2), uint32(value.length)]) : uint16(value.length)
  return Buffer.concat([tag(group, number), Buffer.from(vr), length, value])
}

/** A value of text, padded to an even length: UIDs with NUL, all else with a space (PS3.5 section 6.2). */
function text(group: number, number: number, vr: string, value: string): Buffer {
  const padding = value.length % 2 === 0 ? '' : vr === 'UI' ? '\0' : ' '
  return element(group, number, vr, Buffer.from(value + padding))
}
