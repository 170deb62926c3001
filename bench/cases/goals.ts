/** Goals that several cases have. */
import type { Goal, Row } from '../harness/types.ts'

const MB = 1_000_000
const OURS = 'dicom-backup'

type RowOf = (name: string) => Row

/** The speed, by a figure of which more is better. */
export const faster = (than: string, atLeast: number, of = OURS): Goal => ({
  what: `speed ÷ ${than}`,
  reached: (row) => row(of).value.median / row(than).value.median,
  atLeast,
})

export const outputBelow = (than: string, atMost: number): Goal => ({
  what: `output ÷ ${than}`,
  reached: (row) => (row(OURS).bytesOut ?? NaN) / (row(than).bytesOut ?? NaN),
  atMost,
})

/** What each run may take, whatever it backs up. */
export const peakBelow = (atMost: number, of = OURS): Goal => ({
  what: of === OURS ? 'peak memory, MB' : `peak memory of ${of}, MB`,
  reached: (row: RowOf) => row(of).peakBytes.max / MB,
  atMost,
})
