/**
 * Files that are not DICOM and that deflate cannot make smaller, told by their first bytes or, without a mark, by name.
 */

export interface FileStart {
  /** Name or path; only its extension matters. */
  readonly name: string
  /** The file's first bytes. */
  readonly prefix: Uint8Array
}

/** Where in the file a kind has its mark, and the mark, as hex. PDF is none of them: its fonts and text do shrink. */
const MARKS: readonly (readonly [kind: string, at: number, mark: string])[] = [
  ['zip, docx, xlsx', 0, '504b0304'],
  ['gzip', 0, '1f8b08'],
  ['bzip2', 0, '425a68'],
  ['xz', 0, 'fd377a585a00'],
  ['zstd', 0, '28b52ffd'],
  ['7z', 0, '377abcaf271c'],
  ['rar', 0, '526172211a07'],
  ['jpeg', 0, 'ffd8ff'],
  ['png', 0, '89504e470d0a1a0a'],
  ['gif', 0, '47494638'],
  ['webp', 8, '57454250'],
  ['jpeg 2000', 0, '0000000c6a5020200d0a870a'],
  ['jpeg 2000 codestream', 0, 'ff4fff51'],
  ['mp4, mov, heic', 4, '66747970'],
  ['matroska, webm', 0, '1a45dfa3'],
  ['mpeg program stream', 0, '000001ba'],
  ['ogg', 0, '4f676753'],
  ['mp3 with a tag', 0, '494433'],
]

/** Kinds without a mark, or with one that other files may well begin with. */
const EXTENSIONS = /\.(aac|br|lz4|lzma|mp3|mpe?g|wm[av])$/i

export function isPacked({ name, prefix }: FileStart): boolean {
  const start = Buffer.from(prefix.subarray(0, 16)).toString('hex')
  return EXTENSIONS.test(name) || MARKS.some(([, at, mark]) => start.startsWith(mark, at * 2))
}
