/** The pieces that results for people are made of: a heading, facts, marked items, notes, all as lines. */

import type { Warning } from '../../stages/contract/results.ts'
import { formatCount, formatFiles } from './format.ts'
import { paint, signsOf, type Format, type Style } from './style.ts'
import { table } from './table.ts'
import { clean, cleanLines, visibleWidth, wrap } from './width.ts'

export type Mark = 'ok' | 'bad' | 'look' | 'unknown'

const MARK_FORMATS: Readonly<Record<Mark, Format>> = { ok: 'green', bad: 'red', look: 'yellow', unknown: 'dim' }
const MOST_REASONS = 8
const INDENT = 2
/** Details stand beside their names from this width on … */
const ASIDE_FROM = 76
/** … unless a name is longer than this. */
const LONGEST_NAME = 24

export function heading(text: string, style: Style): string {
  return paint(style, 'bold', text)
}

/** Text of any origin in lines that fit, `indent` spaces before each; words longer than a line stay whole. */
export function paragraph(text: string, style: Style, indent = INDENT): string[] {
  return cleanLines(text).flatMap((line) =>
    wrap(line, style.columns - 1 - indent).map((part) => ' '.repeat(indent) + part),
  )
}

/** Texts that begin right of a prefix and go on below where they began. */
function hang(prefix: string, texts: readonly string[], style: Style): string[] {
  const indent = visibleWidth(prefix)
  const [first = '', ...rest] = texts.flatMap((text) => paragraph(text, style, indent))
  return [(prefix + first.slice(indent)).trimEnd(), ...rest]
}

/** A marked title in bold: what a result comes down to. */
export function verdict(kind: Mark, text: string, style: Style): string[] {
  const prefix = `${signsOf(style)[kind]} `
  return hang(prefix, [text], style).map((line, index) => {
    const start =
      index === 0 ? `${paint(style, MARK_FORMATS[kind], prefix.trimEnd())} ` : ' '.repeat(visibleWidth(prefix))
    return start + heading(line.slice(prefix.length), style)
  })
}

export interface Item {
  readonly mark: Mark
  /** Stands in a column of its own where there is room; none when empty. */
  readonly name: string
  readonly details: readonly string[]
}

/** A message that begins with the name it will stand beside, without it. */
export function beside(name: string, message: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message
}

/** Marked items, one below the other; the details stand beside the names, or below them where it is narrow. */
export function items(all: readonly Item[], style: Style, indent = INDENT): string[] {
  const names = all.map(({ name }) => clean(name))
  const width = names.reduce((most, name) => Math.max(most, visibleWidth(name)), 0)
  const beside = style.columns >= ASIDE_FROM && width <= LONGEST_NAME
  return all.flatMap(({ mark, details }, index) => {
    const name = names[index] ?? ''
    const sign = `${' '.repeat(indent)}${paint(style, MARK_FORMATS[mark], signsOf(style)[mark])} `
    if (!beside || width === 0) return hang(sign, [name, ...details], style)
    return hang(`${sign}${name}${' '.repeat(width - visibleWidth(name))}  `, details, style)
  })
}

/** Names and values in two columns; a value that is null is left out, one that is too long goes on below itself. */
export function facts(rows: readonly (readonly [name: string, value: string | null])[], style: Style): string[] {
  const known = rows.filter((row): row is readonly [string, string] => row[1] !== null)
  const width = known.reduce((most, [name]) => Math.max(most, name.length), 0)
  return known.flatMap(([name, value]) => {
    return hang(`${' '.repeat(INDENT)}${paint(style, 'dim', name.padEnd(width))}  `, [value], style)
  })
}

/** Files that are not in the archive, by reason and without their paths, as these may hold a patient's name or id. */
export function leftOut(files: readonly { readonly reason: string }[], where: string, style: Style): string[] {
  if (files.length === 0) return []
  const counts = new Map<string, number>()
  for (const { reason } of files) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const reasons = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
  const rows = reasons.slice(0, MOST_REASONS).map(([reason, count]) => [formatCount(count), reason])
  const others = reasons.slice(MOST_REASONS).reduce((sum, [, count]) => sum + count, 0)
  if (others > 0) rows.push([formatCount(others), 'other reasons'])
  return [
    heading(`Left out: ${formatFiles(files.length)}`, style),
    ...table([{ align: 'right' }, { shrinks: true }], rows, style, INDENT),
    ...paragraph(where, style),
  ]
}

export function warnings(list: readonly Warning[], style: Style): string[] {
  if (list.length === 0) return []
  return [
    heading('Warnings', style),
    ...items(
      list.map(({ code, message }) => ({ mark: 'look', name: '', details: [`${message} (${clean(code)})`] })),
      style,
    ),
  ]
}

/** Blocks with an empty line between them, ending with a line break. */
export function joinBlocks(blocks: readonly (readonly string[])[]): string {
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`
}
