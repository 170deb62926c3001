import type { ModalityCount, SyntaxCount } from '../contract/results.ts'
import type { Compression } from '../config/types.ts'
import { transferSyntaxName } from '../dicom/transfer-syntax.ts'
import { countDicom, dicomKind, type DicomCounts } from '../dicom/counts.ts'
import type { DicomHeader } from '../dicom/types.ts'
import { FILES_FOLDER, entryName, isKeptApart } from './file-name.ts'
import { RatioSample } from './ratio-sample.ts'
import type { PlannedFile } from './types.ts'

/** A ZIP entry beside its data and, twice, its name: local record 30, directory record 46, time stamp 9. */
const RECORD_BYTES = 30 + 46 + 9
/** A line of the manifest, measured on real files: about 515 bytes with a name of 130; deflated at level 1, 105. */
const LINE_BYTES = 385
const DEFLATED_LINE_BYTES = 105
/** What ends an archive: both end records, and the manifest's entry. */
const END_BYTES = 22 + 76 + 200

interface SyntaxRow {
  readonly transferSyntax: string | null
  readonly name: string
  files: number
  bytes: number
  /** Bytes that are stored as they are. */
  stored: number
  /** Bytes of the names in the archive. */
  names: number
  /** Files that are deflated. */
  readonly sample: RatioSample
}

/** The counters of a survey: one row a transfer syntax, one a modality. */
export class SurveyCounts {
  files = 0
  bytes = 0
  keptApart = 0
  dicom: DicomCounts = { files: 0, withoutStudy: 0 }
  readonly #bySyntax = new Map<string, SyntaxRow>()
  readonly #byModality = new Map<string | null, { modality: string | null; files: number; bytes: number }>()

  /** Counts a file that will be deflated at `level`. It is wanted as a sample when the returned weight is above 0. */
  add(
    file: PlannedFile,
    header: DicomHeader | null,
    level: number,
  ): { readonly sample: RatioSample; readonly weight: number } {
    const row = this.#row(header)
    const modality = header?.modality ?? null
    const count = this.#byModality.get(modality) ?? { modality, files: 0, bytes: 0 }
    this.#byModality.set(modality, count)
    for (const counter of [this, row, count]) {
      counter.files += 1
      counter.bytes += file.size
    }
    if (isKeptApart(file.path)) this.keptApart += 1
    this.dicom = countDicom(this.dicom, dicomKind(header))
    row.names += Buffer.byteLength(`${FILES_FOLDER}/${entryName(file.path)}`)
    if (level === 0) row.stored += file.size
    return { sample: row.sample, weight: level === 0 ? 0 : row.sample.count(file.size) }
  }

  result(compression: Compression): {
    readonly files: number
    readonly bytes: number
    readonly keptApart: number
    readonly estimatedArchiveBytes: number
    readonly dicom: DicomCounts
    readonly byTransferSyntax: SyntaxCount[]
    readonly byModality: ModalityCount[]
  } {
    const byTransferSyntax = [...this.#bySyntax.values()].sort(largestFirst).map((row) => ({
      transferSyntax: row.transferSyntax,
      name: row.name,
      files: row.files,
      bytes: row.bytes,
      estimatedArchiveBytes: estimate(row, compression),
    }))
    return {
      files: this.files,
      bytes: this.bytes,
      keptApart: this.keptApart,
      estimatedArchiveBytes: byTransferSyntax.reduce((sum, row) => sum + row.estimatedArchiveBytes, END_BYTES),
      dicom: this.dicom,
      byTransferSyntax,
      byModality: [...this.#byModality.values()].sort(largestFirst),
    }
  }

  #row(header: DicomHeader | null): SyntaxRow {
    const transferSyntax = header?.transferSyntax ?? null
    const name =
      header === null ? 'not DICOM' : transferSyntax === null ? 'not named' : transferSyntaxName(transferSyntax)
    let row = this.#bySyntax.get(name)
    if (row === undefined) {
      row = { transferSyntax, name, files: 0, bytes: 0, stored: 0, names: 0, sample: new RatioSample() }
      this.#bySyntax.set(name, row)
    }
    return row
  }
}

function estimate(row: SyntaxRow, compression: Compression): number {
  const records = row.files * RECORD_BYTES + 2 * row.names
  const lines = compression === 'store' ? row.files * LINE_BYTES + row.names : row.files * DEFLATED_LINE_BYTES
  return Math.round(row.stored + row.sample.estimate + records + lines)
}

const largestFirst = (a: { readonly bytes: number }, b: { readonly bytes: number }): number => b.bytes - a.bytes
