import type { DoctorCheck } from '../backup/results.ts'

/** What came of one check. */
export type Finding = Pick<DoctorCheck, 'ok' | 'detail'> & { readonly remedy?: string }
