import { basename } from 'node:path'
import { asBackupError, type ErrorCode } from '../../pipeline/errors.ts'
import { ConfigError } from '../../stages/config/config-error.ts'
import { facts, joinBlocks, paragraph, verdict } from './blocks.ts'
import { paint, type Style } from './style.ts'
import { clean, cleanLines, visibleWidth, wrap } from './width.ts'

const SAFE: Readonly<Partial<Record<ErrorCode, string>>> = {
  E_CONFIG: 'Nothing was begun.',
  E_LOCKED: 'Nothing was begun; the other run goes on.',
  E_ABORTED: 'What was sent shows nowhere as a backup; earlier backups are as they were.',
}

/**
 * An error for people: what happened, what is safe, what to do. Faults of the configuration come as a list with their
 * places. Any value can be given; one that is no BackupError is told as a fault of this program.
 */
export function errorText(thrown: unknown, style: Style): string {
  if (thrown instanceof ConfigError) return faultsText(thrown, style)
  const error = asBackupError(thrown)
  const [what = error.code, ...more] = cleanLines(error.message)
  const safe =
    SAFE[error.code] ??
    'An archive shows at a destination only when it is whole; nothing half made looks like a backup.'
  return joinBlocks([
    [...verdict('bad', what, style), ...paragraph(more.join('\n'), style)],
    facts(
      [
        ['Safe', safe],
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
