import type { DicomHeader } from '../dicom/types.ts'

/** What is wanted of an archive: every instance of any that is named. With nothing named it is everything. */
export interface Selection {
  /** Values of (0010,0020); '' for instances without one. */
  readonly patients: readonly string[]
  /** UIDs. */
  readonly studies: readonly string[]
  readonly series: readonly string[]
}

export const EVERYTHING: Selection = { patients: [], studies: [], series: [] }

export function isEverything({ patients, studies, series }: Selection): boolean {
  return patients.length + studies.length + series.length === 0
}

type Header = Omit<DicomHeader, 'studyDate' | 'studyDescription'>

/** Ids are compared without their padding: spaces, and NUL at the end (PS3.5 6.2). */
const trimmed = (id: string): string => id.replace(/\0+$/, '').trim()

/** A DICOM file's header has at least one of these. */
export const isInstance = ({ transferSyntax, modality, patientId, studyUid, seriesUid, sopUid }: Header): boolean =>
  [transferSyntax, modality, patientId, studyUid, seriesUid, sopUid].some((value) => value !== null)

/** Tells by an instance's ids whether it is wanted, and remembers which names have found something. */
export class Selector {
  readonly #selection: Selection
  readonly #wanted: Readonly<Record<keyof Selection, ReadonlySet<string>>>
  readonly #found = { patients: new Set<string>(), studies: new Set<string>(), series: new Set<string>() }

  constructor(selection: Selection) {
    this.#selection = selection
    const set = (kind: keyof Selection): ReadonlySet<string> => new Set(selection[kind].map(trimmed))
    this.#wanted = { patients: set('patients'), studies: set('studies'), series: set('series') }
  }

  wants(header: Header): boolean {
    if (isEverything(this.#selection)) return true
    const patient = this.#is('patients', header.patientId ?? (isInstance(header) ? '' : null))
    const study = this.#is('studies', header.studyUid)
    const series = this.#is('series', header.seriesUid)
    return patient || study || series
  }

  /** What is named and was in no instance. */
  notFound(): Selection {
    const missing = (kind: keyof Selection): string[] => [
      ...new Set(this.#selection[kind].filter((name) => !this.#found[kind].has(trimmed(name)))),
    ]
    return { patients: missing('patients'), studies: missing('studies'), series: missing('series') }
  }

  #is(kind: keyof Selection, id: string | null): boolean {
    if (id === null) return false
    const known = trimmed(id)
    if (!this.#wanted[kind].has(known)) return false
    this.#found[kind].add(known)
    return true
  }
}
