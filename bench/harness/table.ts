import { compared, twins } from './behind.ts'
import { figure } from './figure.ts'
import type { CaseResult, GoalResult, Row } from './types.ts'

const MB = 1_000_000

/** A case for people: its rows, ours first, what another build takes beside it, its goals, and what failed. */
export function tableOf(result: CaseResult): string {
  const { name, title, unit, rows, goals, failures } = result
  const [ours] = rows
  const head = ['', unit, 'spread', 'ours ÷ it', 'wall s', 'peak MB', 'processor s', 'cores', 'MB out']
  const lines = [head, ...rows.map((row) => cells(row, ours))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const table = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  )
  return [
    `\n${name}: ${title}`,
    ...table.map((line) => `  ${line.join('  ')}`.trimEnd()),
    ...besideTwins(result),
    ...goals.map((goal) => `  ${goalLine(goal)}`),
    ...failures.map((failure) => `  FAILED   ${failure}`),
  ].join('\n')
}

function cells(row: Row, ours: Row | undefined): string[] {
  const { name, value, ms, cpuMs, peakBytes, bytesOut } = row
  return [
    name,
    figure(value.median),
    `±${figure((50 * (value.max - value.min)) / value.median, 0)} %`,
    ours === undefined ? '' : figure(ours.value.median / value.median, 2),
    figure(ms.median / 1000, 2),
    figure(peakBytes.max / MB, 0),
    figure(cpuMs.median / 1000, 2),
    figure(coresOf(row), 2),
    bytesOut === null ? '' : (bytesOut / MB).toFixed(1),
  ]
}

/** How many cores were at work. */
export const coresOf = ({ cpuMs, ms }: Row): number => cpuMs.median / ms.median

function besideTwins(result: CaseResult): string[] {
  return twins(result).map(({ row, twin }) => {
    const all = compared(result.better, row, twin).map(
      ({ what, ratio, isWorse }) => `${what} ${figure(ratio, 2)}${isWorse ? ' WORSE' : ''}`,
    )
    return `  ${row.name} ÷ ${twin.name}: ${all.join(', ')}`
  })
}

function goalLine({ what, reached, atLeast, atMost, met, known }: GoalResult): string {
  const goal = atLeast === undefined ? `at most ${atMost ?? '?'}` : `at least ${atLeast}`
  const line = `${what}: ${figure(reached)} (${goal})`
  if (met) return `reached  ${line}`
  return known === undefined ? `MISSED   ${line}` : `known    ${line}: ${known}`
}
