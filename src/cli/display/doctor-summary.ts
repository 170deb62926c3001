import type { DoctorResult } from '../../stages/backup/results.ts'
import { beside, items, joinBlocks, verdict } from './blocks.ts'
import { signsOf, type Style } from './style.ts'

/** The doctor's findings for people: each check with what was found and, where it is not well, what to do. */
export function doctorSummary({ ok, checks }: DoctorResult, style: Style): string {
  const list = checks.map(({ ok: well, name, detail, remedy }) => ({
    mark: well ? ('ok' as const) : ('bad' as const),
    name,
    details: [
      beside(name.replace(/^destination /, ''), detail),
      ...(well || remedy === '' ? [] : [`${signsOf(style).arrow} ${remedy}`]),
    ],
  }))
  const unwell = checks.filter((check) => !check.ok).length
  const text = ok ? 'Everything a run needs is there' : `${unwell} of ${checks.length} checks failed`
  return joinBlocks([items(list, style, 0), verdict(ok ? 'ok' : 'bad', text, style)])
}
