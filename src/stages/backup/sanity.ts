import type { SourceMeasure } from '../contract/history.ts'
import type { Warning } from '../contract/results.ts'

/** A source that lost this share of its files or bytes, or more, is reported. */
const FILES_LOST = 0.3
/** A dump that lost this share of its bytes, or more, is reported; and one that lost any table. */
const DUMP_LOST = 0.5

const share = (now: number, before: number): number => (before === 0 ? 0 : (before - now) / before)
const percent = (now: number, before: number): string => `${Math.round(share(now, before) * 100)} %`

/**
 * Compares what this run found with the last good run. What comes back makes the run partial: it is stored, but someone
 * has to look at it, and later runs do not compare themselves with it. `last` is null at the first run.
 */
export function sanityWarnings(now: SourceMeasure, last: SourceMeasure | null): Warning[] {
  const warnings: Warning[] = []
  const warn = (code: string, message: string): void => {
    warnings.push({ code, message })
  }
  const shrunk = (code: string, message: string): void => {
    warn(code, `${message} If this is expected: dicom-backup run --accept-shrunk.`)
  }
  if (now.files === 0) {
    warn(
      'source-empty',
      'The archive contains no file of the archive folder. If there should be images, check that their drive is connected.',
    )
  }
  if (last === null) return warnings
  if (now.files > 0 && share(now.files, last.files) >= FILES_LOST) {
    const lost = percent(now.files, last.files)
    shrunk(
      'source-shrunk',
      `The archive folder has ${lost} fewer files than at the last good run (${now.files}, were ${last.files}).`,
    )
  }
  if (now.files > 0 && share(now.bytes, last.bytes) >= FILES_LOST) {
    const lost = percent(now.bytes, last.bytes)
    shrunk(
      'source-shrunk',
      `The archive folder has ${lost} fewer bytes than at the last good run (${now.bytes}, were ${last.bytes}).`,
    )
  }
  if (now.tables !== null && last.tables !== null && now.tables < last.tables) {
    shrunk('dump-shrunk', `The database dump has ${now.tables} tables; at the last good run it had ${last.tables}.`)
  }
  if (now.dumpBytes !== null && last.dumpBytes !== null && share(now.dumpBytes, last.dumpBytes) >= DUMP_LOST) {
    const lost = percent(now.dumpBytes, last.dumpBytes)
    shrunk(
      'dump-shrunk',
      `The database dump is ${lost} smaller than at the last good run (${now.dumpBytes} bytes, were ${last.dumpBytes}).`,
    )
  }
  return warnings
}
