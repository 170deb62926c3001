import type { DicomHeader } from '../dicom/types.ts'

/** What is wanted of an archive: every instance of any that is named. With nothing named it is everything. */
export interface Selection {
  /** Values of (0010,0020). */
  readonly patients: readonly string[]
  /** UIDs. */
  readonly studies: readonly string[]
  readonly series: readonly string[]
}

export const EVERYTHING: Selection = { patients: [], studies: [], series: [] }

export function isEverything({ patients, studies, series }: Selection): boolean {
  return patients.length + studies.length + series.length === 0
}

type Ids = Pick<DicomHeader, 'patientId' | 'studyUid' | 'seriesUid'>

/** Tells by an instance's ids whether it is wanted, and remembers which names have found something. */
export class Selector {
  readonly #selection: Selection
  readonly #found = { patients: new Set<string>(), studies: new Set<string>(), series: new Set<string>() }

  constructor(selection: Selection) {
    this.#selection = selection
  }

  wants({ patientId, studyUid, seriesUid }: Ids): boolean {
    if (isEverything(this.#selection)) return true
    const patient = this.#is('patients', patientId)
    const study = this.#is('studies', studyUid)
    const series = this.#is('series', seriesUid)
    return patient || study || series
  }

  /** What is named and was in no instance. */
  notFound(): Selection {
    const missing = (kind: keyof Selection): string[] => [
      ...new Set(this.#selection[kind].filter((name) => !this.#found[kind].has(name))),
    ]
    return { patients: missing('patients'), studies: missing('studies'), series: missing('series') }
  }

  #is(kind: keyof Selection, id: string | null): boolean {
    if (id === null || !this.#selection[kind].includes(id)) return false
    this.#found[kind].add(id)
    return true
  }
}
