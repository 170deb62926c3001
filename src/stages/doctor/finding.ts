import type { DoctorCheck } from '../contract/results.ts'

/** What came of one check. */
export interface Finding {
  readonly ok: boolean
  readonly detail: string
  /** What to do, with the path, key or account it is about. */
  readonly remedy?: string
  /** Of one that is ok: a run works, but something should be changed, or could not be examined. */
  readonly warning?: true
}

/** Runs one check and adds it to the result, also when it throws. Rejects with E_ABORTED only. */
export type Check = (name: string, examine: () => Promise<Finding>) => Promise<void>

export function checkOf(name: string, { ok, detail, remedy = '', warning }: Finding): DoctorCheck {
  return { name, ok, level: ok ? (warning === true ? 'warning' : 'ok') : 'failed', detail, remedy }
}
