import type { Uploads } from '../services/sink.ts'
import { entriesOfZip } from './zip-end.ts'

export interface Expected {
  /** Of all files. */
  readonly bytes: number
  /** What was sent: the files and nothing else, or a ZIP of them with so many entries. */
  readonly entries: number | 'no ZIP'
  /** Whether nothing was deflated. */
  readonly isStored: boolean
  /** Its last block may be filled with zeros behind the ZIP. Default: 1, nothing may follow it. */
  readonly blockBytes?: number
}

/** Throws unless both sinks got the same one upload, and it is the whole of what was to be sent. Gives its bytes. */
export function provenUpload(
  { dropbox, googleDrive }: Uploads,
  { bytes, entries, isStored, blockBytes = 1 }: Expected,
): number {
  const [one, other] = [dropbox[0], googleDrive[0]]
  if (one === undefined || other === undefined || dropbox.length > 1 || googleDrive.length > 1) {
    throw new Error(`${dropbox.length} and ${googleDrive.length} uploads came to their end, not one to each address`)
  }
  if (one.bytes !== other.bytes || one.sample !== other.sample || one.end !== other.end) {
    throw new Error(`the two uploads differ: ${one.bytes} and ${other.bytes} bytes`)
  }
  if (entries === 'no ZIP') {
    if (one.bytes !== bytes) throw new Error(`${one.bytes} bytes came, and the files have ${bytes}`)
    return one.bytes
  }
  const found = entriesOfZip(Buffer.from(one.end, 'base64'), one.bytes, blockBytes)
  if (found !== entries) throw new Error(`the ZIP has ${found} entries, not ${entries}`)
  if (isStored && one.bytes < bytes) throw new Error(`${one.bytes} bytes came, and the stored files have ${bytes}`)
  return one.bytes
}
