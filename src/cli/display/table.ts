import { paint, signsOf, type Format, type Style } from './style.ts'
import { clean, truncate, visibleWidth, wrap } from './width.ts'

export interface Column {
  readonly align?: 'left' | 'right'
  /** Columns it takes at the least, so that what stands to its right keeps its place while numbers grow. */
  readonly min?: number
  /** Gives width up, down to 8 columns, when the table is too wide; what no longer fits is cut. */
  readonly shrinks?: boolean
  /** Left out altogether when the table is too wide, before anything shrinks by more than to 16 columns. */
  readonly optional?: boolean
}

/** Text, or text with its colour. */
export type Cell = string | readonly [text: string, format: Format]

const GAP = 2
const TIGHT = 16
const TIGHTEST = 8

/**
 * Rows in aligned columns, two spaces apart, as lines that fit into `style.columns` less one, `indent` spaces before
 * each. Widths are those on the terminal, wide characters included. A column that is empty in every row takes no place.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: Style,
  indent = 0,
): string[] {
  const texts = rows.map((row) => columns.map((_, index) => clean(textOf(row[index]))))
  const natural = columns.map((column, index) => {
    // Not Math.max(...): the rows may be more than a call takes arguments.
    const widest = texts.reduce((most, row) => Math.max(most, visibleWidth(row[index] ?? '')), 0)
    return widest === 0 ? 0 : Math.max(widest, column.min ?? 0)
  })
  const widths = fit(columns, natural, style.columns - 1 - indent)
  return rows.map((row, y) => {
    const cells = columns.flatMap((column, x) => {
      const width = widths[x] ?? 0
      if (width === 0) return []
      const text = truncate(texts[y]?.[x] ?? '', width, signsOf(style).ellipsis)
      const gap = ' '.repeat(width - visibleWidth(text))
      const painted = text === '' ? '' : paintCell(row[x], text, style)
      return column.align === 'right' ? gap + painted : painted + gap
    })
    return (' '.repeat(indent) + cells.join(' '.repeat(GAP))).trimEnd()
  })
}

/** The widths to use: first shortened, then without optional columns from the right, then cut short. */
function fit(columns: readonly Column[], natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural]
  const optional = columns.flatMap((column, index) => (column.optional === true ? [index] : []))
  for (;;) {
    const fitting = shrink(columns, widths, room, TIGHT)
    const last = optional.pop()
    if (excess(fitting, room) <= 0) return fitting
    if (last === undefined) return shrink(columns, widths, room, TIGHTEST)
    widths[last] = 0
  }
}

/**
 * A table whose last column may be long: it stands in its place where the whole table fits into the line, else in a
 * line below each row. `rows` has the head first and lacks that column, of which `texts` has the others.
 */
export function tableOrBelow(
  columns: readonly Column[],
  [head = [], ...rows]: readonly (readonly Cell[])[],
  { title, texts }: { readonly title: string; readonly texts: readonly string[] },
  style: Style,
): string[] {
  const whole = [[...head, [title, 'dim'] as const], ...rows.map((row, index) => [...row, texts[index] ?? ''])]
  const wide = table([...columns, {}], whole, { ...style, columns: Infinity, color: false })
  if (wide.every((line) => visibleWidth(line) < style.columns)) return table([...columns, {}], whole, style)
  const [first = '', ...lines] = table(columns, [head, ...rows], style)
  const indent = visibleWidth(signsOf(style).ok) + GAP
  const below = (index: number): string[] => {
    const text = clean(texts[index] ?? '')
    return text === '' ? [] : wrap(text, style.columns - 1 - indent).map((line) => ' '.repeat(indent) + line)
  }
  return [first, ...lines.flatMap((line, index) => [line, ...below(index)])]
}

function shrink(columns: readonly Column[], widths: readonly number[], room: number, least: number): number[] {
  const shrunk = [...widths]
  columns.forEach((column, index) => {
    const width = widths[index] ?? 0
    const over = excess(shrunk, room)
    if (column.shrinks === true && over > 0 && width > least) shrunk[index] = Math.max(least, width - over)
  })
  return shrunk
}

function excess(widths: readonly number[], room: number): number {
  return widths.reduce((sum, width) => (width > 0 ? sum + width + GAP : sum), -GAP) - room
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : (cell?.[0] ?? '')
}

function paintCell(cell: Cell | undefined, text: string, style: Style): string {
  return cell === undefined || typeof cell === 'string' ? text : paint(style, cell[1], text)
}
