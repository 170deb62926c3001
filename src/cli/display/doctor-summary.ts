import type { DoctorResult } from '../../stages/contract/results.ts'
import { beside, items, joinBlocks, verdict } from './blocks.ts'
import { signsOf, type Style } from './style.ts'

const MARKS = { ok: 'ok', warning: 'look', failed: 'bad' } as const

/** The doctor's findings for people: each check with what was found and what to do about it. */
export function doctorSummary({ ok, checks }: DoctorResult, style: Style): string {
  const list = checks.map(({ level, name, detail, remedy }) => ({
    mark: MARKS[level],
    name,
    details: [
      beside(name.replace(/^destination /, ''), detail),
      ...(remedy === '' ? [] : [`${signsOf(style).arrow} ${remedy}`]),
    ],
  }))
  const failed = checks.filter((check) => !check.ok).length
  const warned = checks.filter(({ level }) => level === 'warning').length
  const warnings = warned === 0 ? '' : `, with ${warned === 1 ? '1 warning' : `${warned} warnings`}`
  const text = ok ? `Everything a run needs works${warnings}` : `${failed} of ${checks.length} checks failed`
  return joinBlocks([items(list, style, 0), verdict(ok ? (warned === 0 ? 'ok' : 'look') : 'bad', text, style)])
}
