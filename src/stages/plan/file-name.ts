/**
 * File names as the file system has them: bytes. On Linux a name need not be valid UTF-8 (archives of the Latin-1 age
 * are not). Inside the program such a name is a string in which every byte that is not UTF-8 stands as a lone surrogate
 * U+DC80–U+DCFF, as Python's `surrogateescape` (PEP 383) does it; so it can be joined, matched, compared and turned
 * back.
 */
import { isUtf8 } from 'node:buffer'
import path from 'node:path'

/**
 * With the u flag a low surrogate matches only where it stands alone, not as the second half of an emoji. U+DC25 is a
 * percent sign that `keptApart` has escaped.
 */
const ESCAPED_BYTE = /[\uDC25\uDC80-\uDCFF]/gu
const ESCAPED_PERCENT = /\uDC25/gu
/** A percent sign that reads as the start of an escaped byte, or of an escaped percent sign. */
const AMBIGUOUS_PERCENT = /%(?=25|[89A-F][0-9A-F])/g

/** The name of a directory entry, from its bytes. */
export function fromDirentName(name: Buffer): string {
  if (isUtf8(name)) return name.toString()
  let text = ''
  for (let at = 0; at < name.length;) {
    const length = sequenceLength(name[at] ?? 0)
    const sequence = name.subarray(at, at + length)
    if (sequence.length === length && isUtf8(sequence)) {
      text += sequence.toString()
      at += length
    } else {
      text += String.fromCharCode(0xdc00 + (name[at] ?? 0))
      at += 1
    }
  }
  return text
}

/** How many bytes the UTF-8 sequence has that begins with `lead`; 1 also for a byte that begins none. */
function sequenceLength(lead: number): number {
  if (lead < 0xc2) return 1
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 1
}

/**
 * What fs calls need to reach `relPath` below the folder `root`: a string, or bytes where the name is not valid UTF-8.
 */
export function toFsPath(root: string, relPath: string): string | Buffer {
  const full = path.join(root, relPath)
  return full.isWellFormed() ? full : toBytes(full)
}

function toBytes(name: string): Buffer {
  const pieces: Buffer[] = []
  let from = 0
  for (const { index, 0: byte } of name.matchAll(ESCAPED_BYTE)) {
    pieces.push(Buffer.from(name.slice(from, index)), Buffer.of(byte.charCodeAt(0) - 0xdc00))
    from = index + 1
  }
  pieces.push(Buffer.from(name.slice(from)))
  return Buffer.concat(pieces)
}

/**
 * The name of `relPath` inside the archive and in every result: valid Unicode, with `%HH` (upper-case hex) for a byte
 * that is not UTF-8 and for a percent sign that `keptApart` has escaped. Everything else is unchanged, other percent signs
 * and, on Linux, a backslash too.
 */
export function entryName(relPath: string): string {
  if (relPath.isWellFormed()) return relPath
  return relPath.replace(ESCAPED_BYTE, (byte) => `%${(byte.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}`)
}

/**
 * Names of one folder that would be another one's in the archive, as `%E9` would be that of the byte E9: by name, the same
 * name with its ambiguous percent signs escaped (U+DC25, so `%25` in the archive). `toFsPath` opens both. `names` are all of
 * the folder's, so that the answer is the same in each backup. Empty where every name is valid UTF-8.
 */
export function keptApart(names: readonly string[]): ReadonlyMap<string, string> {
  const escaped = new Map<string, string>()
  if (names.every((name) => name.isWellFormed())) return escaped
  const shown = names.filter((name) => name.includes('%') || !name.isWellFormed())
  // What an escaped name becomes may be a third one's name, which is then escaped too. Escaped names never meet.
  for (let before = -1; before !== escaped.size;) {
    before = escaped.size
    const owners = new Map<string, string>()
    for (const name of shown) {
      const entry = entryName(escaped.get(name) ?? name)
      const owner = owners.get(entry)
      owners.set(entry, owner ?? name)
      for (const twin of owner === undefined ? [] : [owner, name]) {
        const other = twin.replace(AMBIGUOUS_PERCENT, '\uDC25')
        if (other !== twin) escaped.set(twin, other)
      }
    }
  }
  return escaped
}

/** Whether a part of the path was changed by `keptApart`. */
export const isKeptApart = (relPath: string): boolean =>
  !relPath.isWellFormed() && relPath.search(ESCAPED_PERCENT) !== -1

/** The path as it is on the disk, for patterns: without what `keptApart` has changed. */
export const onDisk = (relPath: string): string =>
  relPath.isWellFormed() ? relPath : relPath.replace(ESCAPED_PERCENT, '%')

/** Folder in the archive that holds the archive folder's files. */
export const FILES_FOLDER = 'dicom_files'

/** The name in the archive of what lies at a path below the archive folder. */
export const entryPath = (file: { readonly path: string }): string => `${FILES_FOLDER}/${entryName(file.path)}`
