import type { CaseResult, Row } from './types.ts'

const MB = 1_000_000

/** The rows of a case as a table for people, ours first, and its goals below it. */
export function tableOf({ name, title, unit, rows, goals }: CaseResult): string {
  const [ours] = rows
  const head = ['', unit, 'spread', 'ours ÷ it', 'wall s', 'peak MB', 'cores', 'MB out']
  const lines = [head, ...rows.map((row) => cells(row, ours))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const table = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  )
  const told = goals.map(({ what, reached, atLeast, atMost, met }) => {
    const goal = atLeast === undefined ? `at most ${atMost ?? '?'}` : `at least ${atLeast}`
    return `  ${met ? 'reached' : 'MISSED '}  ${what}: ${figure(reached)} (${goal})`
  })
  return [`\n${name}: ${title}`, ...table.map((line) => `  ${line.join('  ')}`.trimEnd()), ...told].join('\n')
}

function cells({ name, value, ms, peakBytes, cores, bytesOut }: Row, ours: Row | undefined): string[] {
  const ratio = ours === undefined ? '' : (ours.value.median / value.median).toFixed(2)
  return [
    name,
    figure(value.median),
    `±${((50 * (value.max - value.min)) / value.median).toFixed(0)} %`,
    ratio,
    (ms.median / 1000).toFixed(2),
    peakBytes === null ? '' : (peakBytes / MB).toFixed(0),
    cores.toFixed(2),
    bytesOut === null ? '' : (bytesOut / MB).toFixed(1),
  ]
}

export const figure = (value: number): string =>
  value >= 1000 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3)
