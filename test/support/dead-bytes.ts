import { fromBuffer, type Entry } from 'yauzl'

const LOCAL_RECORD_BYTES = 30
const HAS_DESCRIPTOR = 0x08
const DESCRIPTOR = 0x08074b50

/** Bytes before the last entry of an archive (smaller than 4 GiB) that belong to no entry of its directory. */
export async function deadBytes(archive: Buffer): Promise<number> {
  const entries = await directoryOf(archive)
  entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)
  let dead = 0
  let end = 0
  for (const entry of entries) {
    const start = entry.relativeOffsetOfLocalHeader
    dead += start - end
    end = start + recordBytes(archive, entry)
  }
  return dead
}

/** Of an entry's local record, data and data descriptor. */
function recordBytes(archive: Buffer, entry: Entry): number {
  const start = entry.relativeOffsetOfLocalHeader
  const names = archive.readUInt16LE(start + 26) + archive.readUInt16LE(start + 28)
  const bytes = LOCAL_RECORD_BYTES + names + entry.compressedSize
  if ((entry.generalPurposeBitFlag & HAS_DESCRIPTOR) === 0) return bytes
  if (archive.readUInt32LE(start + bytes) !== DESCRIPTOR) throw new Error('There is no data descriptor.')
  // The sizes in it have 4 bytes or 8.
  return bytes + (archive.readUInt32LE(start + bytes + 12) === entry.uncompressedSize ? 16 : 24)
}

function directoryOf(archive: Buffer): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    fromBuffer(archive, { lazyEntries: true, decodeStrings: false }, (error, zip) => {
      if (error !== null) {
        reject(error)
        return
      }
      const entries: Entry[] = []
      zip.on('entry', (entry: Entry) => {
        entries.push(entry)
        zip.readEntry()
      })
      zip.on('error', reject)
      zip.on('end', () => {
        resolve(entries)
      })
      zip.readEntry()
    })
  })
}
