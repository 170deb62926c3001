import type { SourceMeasure } from '../state/store.ts'
import type { Warning } from './results.ts'

/** A source that lost more than this share of its files or bytes is told. */
const FILES_LOST = 0.3
/** A dump that lost more than this share of its bytes is told; and one that lost any table. */
const DUMP_LOST = 0.5

const percent = (now: number, before: number): string => `${Math.round((1 - now / before) * 100)} %`

/**
 * Compares what this run found with the last good run. What comes back makes the run partial: it is stored, but someone has to look at
 * it, and retention leaves everything alone. `last` is null at the first run.
 */
export function sanityWarnings(now: SourceMeasure, last: SourceMeasure | null): Warning[] {
  const warnings: Warning[] = []
  const warn = (code: string, message: string): void => {
    warnings.push({ code, message })
  }
  if (now.files === 0) {
    warn(
      'source-empty',
      'The archive folder holds no files. If images should be there, check that their drive is connected.',
    )
  }
  if (last === null) return warnings
  if (now.files > 0 && now.files < last.files * (1 - FILES_LOST)) {
    const lost = percent(now.files, last.files)
    warn(
      'source-shrunk',
      `The archive folder has ${lost} fewer files than at the last good run (${now.files}, were ${last.files}).`,
    )
  }
  if (now.files > 0 && now.bytes < last.bytes * (1 - FILES_LOST)) {
    const lost = percent(now.bytes, last.bytes)
    warn(
      'source-shrunk',
      `The archive folder has ${lost} fewer bytes than at the last good run (${now.bytes}, were ${last.bytes}).`,
    )
  }
  if (now.tables !== null && last.tables !== null && now.tables < last.tables) {
    warn('dump-shrunk', `The database dump has ${now.tables} tables; at the last good run it had ${last.tables}.`)
  }
  if (now.dumpBytes !== null && last.dumpBytes !== null && now.dumpBytes < last.dumpBytes * (1 - DUMP_LOST)) {
    const lost = percent(now.dumpBytes, last.dumpBytes)
    warn(
      'dump-shrunk',
      `The database dump is ${lost} smaller than at the last good run (${now.dumpBytes} bytes, were ${last.dumpBytes}).`,
    )
  }
  return warnings
}
