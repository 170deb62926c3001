import type { Compression } from '../config/types.ts'
import { isOrthancCompressed } from './packed.ts'
import { isPacked } from './packed-file.ts'
import type { FileStart } from './packed-file.ts'
import type { DicomHeader } from './types.ts'

/**
 * The transfer syntaxes of PS3.6 Table A-1 in groups by what deflate still gets out of a file. Figures are size after ÷
 * before at level 1, first for 118 real files of all kinds, then for 1,064 of wider origin:
 *
 * | group | of size | |
 * | --- | --- | --- |
 * | not compressed | 0.32–0.49, 0.46–0.54 | worth it |
 * | deflated image frames | 0.59 | worth it: these are segmentations, whose headers are large |
 * | RLE | 0.87, 0.77 | worth it |
 * | JPEG lossless | 0.82–0.88, 0.87 | worth it |
 * | lossy JPEG | 0.88–0.94, 0.92–0.98 | not: a fifth of the speed for little |
 * | JPEG-LS, JPEG 2000, HTJ2K, deflated | 0.96–1.00 both times | not |
 *
 * Storing the last two groups costs 0.4 % of an archive's size. Video and JPEG XL, of which there was no file, are packed
 * as densely as JPEG 2000.
 */
const DEFLATED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '1.2.840.10008.1.2': 'Implicit VR Little Endian',
    '1.2.840.10008.1.2.1': 'Explicit VR Little Endian',
    '1.2.840.10008.1.2.1.98': 'Encapsulated Uncompressed',
    '1.2.840.10008.1.2.2': 'Explicit VR Big Endian',
    '1.2.840.10008.1.2.4.57': 'JPEG Lossless (Process 14)',
    '1.2.840.10008.1.2.4.58': 'JPEG Lossless (Process 15)',
    '1.2.840.10008.1.2.4.65': 'JPEG Lossless, Hierarchical (Process 28)',
    '1.2.840.10008.1.2.4.66': 'JPEG Lossless, Hierarchical (Process 29)',
    '1.2.840.10008.1.2.4.70': 'JPEG Lossless, First-Order Prediction',
    '1.2.840.10008.1.2.4.94': 'JPIP Referenced',
    '1.2.840.10008.1.2.4.204': 'JPIP HTJ2K Referenced',
    '1.2.840.10008.1.2.5': 'RLE Lossless',
    '1.2.840.10008.1.2.8.1': 'Deflated Image Frame',
  }),
)

const STORED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '1.2.840.10008.1.2.1.99': 'Deflated Explicit VR Little Endian',
    '1.2.840.10008.1.2.4.50': 'JPEG Baseline (Process 1)',
    '1.2.840.10008.1.2.4.51': 'JPEG Extended (Process 2 & 4)',
    '1.2.840.10008.1.2.4.52': 'JPEG Extended (Process 3 & 5)',
    '1.2.840.10008.1.2.4.53': 'JPEG Spectral Selection (Process 6 & 8)',
    '1.2.840.10008.1.2.4.54': 'JPEG Spectral Selection (Process 7 & 9)',
    '1.2.840.10008.1.2.4.55': 'JPEG Full Progression (Process 10 & 12)',
    '1.2.840.10008.1.2.4.56': 'JPEG Full Progression (Process 11 & 13)',
    '1.2.840.10008.1.2.4.80': 'JPEG-LS Lossless',
    '1.2.840.10008.1.2.4.81': 'JPEG-LS Near-Lossless',
    '1.2.840.10008.1.2.4.90': 'JPEG 2000 Lossless',
    '1.2.840.10008.1.2.4.91': 'JPEG 2000',
    '1.2.840.10008.1.2.4.92': 'JPEG 2000 Part 2 Multi-component Lossless',
    '1.2.840.10008.1.2.4.93': 'JPEG 2000 Part 2 Multi-component',
    '1.2.840.10008.1.2.4.95': 'JPIP Referenced Deflate',
    '1.2.840.10008.1.2.4.100': 'MPEG2 Main Profile',
    '1.2.840.10008.1.2.4.100.1': 'MPEG2 Main Profile, Fragmentable',
    '1.2.840.10008.1.2.4.101': 'MPEG2 High Level',
    '1.2.840.10008.1.2.4.101.1': 'MPEG2 High Level, Fragmentable',
    '1.2.840.10008.1.2.4.102': 'MPEG-4 AVC/H.264 4.1',
    '1.2.840.10008.1.2.4.102.1': 'MPEG-4 AVC/H.264 4.1, Fragmentable',
    '1.2.840.10008.1.2.4.103': 'MPEG-4 AVC/H.264 BD-compatible',
    '1.2.840.10008.1.2.4.103.1': 'MPEG-4 AVC/H.264 BD-compatible, Fragmentable',
    '1.2.840.10008.1.2.4.104': 'MPEG-4 AVC/H.264 4.2 for 2D Video',
    '1.2.840.10008.1.2.4.104.1': 'MPEG-4 AVC/H.264 4.2 for 2D Video, Fragmentable',
    '1.2.840.10008.1.2.4.105': 'MPEG-4 AVC/H.264 4.2 for 3D Video',
    '1.2.840.10008.1.2.4.105.1': 'MPEG-4 AVC/H.264 4.2 for 3D Video, Fragmentable',
    '1.2.840.10008.1.2.4.106': 'MPEG-4 AVC/H.264 Stereo',
    '1.2.840.10008.1.2.4.106.1': 'MPEG-4 AVC/H.264 Stereo, Fragmentable',
    '1.2.840.10008.1.2.4.107': 'HEVC/H.265 Main Profile',
    '1.2.840.10008.1.2.4.108': 'HEVC/H.265 Main 10 Profile',
    '1.2.840.10008.1.2.4.110': 'JPEG XL Lossless',
    '1.2.840.10008.1.2.4.111': 'JPEG XL JPEG Recompression',
    '1.2.840.10008.1.2.4.112': 'JPEG XL',
    '1.2.840.10008.1.2.4.201': 'HTJ2K Lossless',
    '1.2.840.10008.1.2.4.202': 'HTJ2K Lossless RPCL',
    '1.2.840.10008.1.2.4.203': 'HTJ2K',
    '1.2.840.10008.1.2.4.205': 'JPIP HTJ2K Referenced Deflate',
  }),
)

/** The name of a transfer syntax, for people; of one that the table does not have, its UID. */
export function transferSyntaxName(uid: string): string {
  return DEFLATED.get(uid) ?? STORED.get(uid) ?? uid
}

/**
 * The deflate level for a file, 0 for storing it. `auto` decides by the transfer syntax (level 1 for one that is not
 * known or not named), stores what Orthanc has compressed, and for a file that is not DICOM (`header` null) decides by
 * whether it is packed already.
 */
export function compressionFor(header: DicomHeader | null, setting: Compression, file: FileStart): 0 | 1 | 6 {
  switch (setting) {
    case 'store':
      return 0
    case 'fast':
      return 1
    case 'small':
      return 6
    case 'auto':
      if (header === null) return isPacked(file) ? 0 : 1
      if (isOrthancCompressed(Buffer.from(file.prefix.subarray(0, 144)))) return 0
      return header.transferSyntax !== null && STORED.has(header.transferSyntax) ? 0 : 1
  }
}
