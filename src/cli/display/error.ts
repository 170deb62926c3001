import { basename } from 'node:path'
import { asBackupError, type ErrorCode } from '../../pipeline/contract/errors.ts'
import { ConfigError } from '../../stages/config/config-error.ts'
import { facts, joinBlocks, paragraph, verdict } from './blocks.ts'
import { paint, type Style } from './style.ts'
import { clean, cleanLines, visibleWidth, wrap } from './width.ts'

/** What an error leaves untouched, where that is worth saying; null: no line. */
const SAFE: Readonly<Partial<Record<ErrorCode, string | null>>> = {
  E_CONFIG: null,
  E_LOCKED: 'The other run continues; this one did not start.',
  E_ABORTED: 'Nothing incomplete shows as a backup; earlier backups are unchanged.',
}
const SAFE_OTHERWISE = 'Earlier backups are unchanged, and nothing incomplete shows as a backup.'

/**
 * An error for people: what happened, what is safe, what to do. Faults of the configuration come as a list with their
 * places. Any value can be given; one that is no BackupError is reported as a fault of this program.
 */
export function errorText(thrown: unknown, style: Style): string {
  if (thrown instanceof ConfigError) return faultsText(thrown, style)
  const error = asBackupError(thrown)
  const [what = error.code, ...more] = cleanLines(error.message)
  const safe = SAFE[error.code]
  return joinBlocks([
    [...verdict('bad', what, style), ...paragraph(more.join('\n'), style)],
    facts(
      [
        ['Safe', safe === undefined ? SAFE_OTHERWISE : safe],
        ['To do', error.advice === '' ? null : error.advice],
        ['Code', error.code],
      ],
      style,
    ),
  ])
}

function faultsText({ message, advice, file, faults }: ConfigError, style: Style): string {
  const places = faults.map(({ line, column }) => `${clean(basename(file))}:${line}:${column}`)
  const width = Math.max(0, ...places.map(visibleWidth))
  const lines = faults.flatMap(({ key, message: what }, index) => {
    const place = places[index] ?? ''
    const start = `${paint(style, 'dim', place)}${' '.repeat(width - visibleWidth(place))}  `
    const [first = '', ...rest] = wrap(start + clean(key === '' ? what : `${key}: ${what}`), style.columns - 5)
    return [`  ${first}`, ...rest.map((line) => `    ${line}`)]
  })
  return joinBlocks([verdict('bad', message, style), lines, paragraph(advice, style)])
}
