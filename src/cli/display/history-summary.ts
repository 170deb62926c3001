import type { HistoryResult } from '../../stages/contract/history.ts'
import { beside, items, joinBlocks, type Item, type Mark } from './blocks.ts'
import { formatBytes, formatDuration, formatLocalMinute } from './format.ts'
import { paint, signsOf, type Format, type Style } from './style.ts'
import { table, type Cell } from './table.ts'
import { clean } from './width.ts'

type PastRun = HistoryResult['runs'][number]

const LOOKS: Readonly<Record<PastRun['status'], readonly [Mark, Format]>> = {
  completed: ['ok', 'green'],
  partial: ['look', 'yellow'],
  interrupted: ['look', 'yellow'],
  failed: ['bad', 'red'],
}

/** Past runs for people: a line each, and below it its archive and what went wrong at which destination. */
export function historySummary({ runs }: HistoryResult, style: Style): string {
  if (runs.length === 0) return 'No runs yet.\n'
  const head: Cell[] = ['', 'Began', 'Took', 'Size', '', '', 'Stored at'].map((text) => [text, 'dim'] as const)
  const columns = [{}, {}, { align: 'right' }, { align: 'right' }, {}, { optional: true }, { shrinks: true }] as const
  const [first = '', ...lines] = table(columns, [head, ...runs.map((run) => rowOf(run, style))], style)
  return joinBlocks([[first, ...lines.flatMap((line, index) => [line, ...below(runs[index], style)])]])
}

function rowOf({ status, startedAt, finishedAt, bytes, trigger, destinations }: PastRun, style: Style): Cell[] {
  const [mark, format] = LOOKS[status]
  const stored = destinations.filter((one) => one.status === 'completed').map(({ name }) => name)
  const took = finishedAt === null ? '' : formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))
  return [
    [signsOf(style)[mark], format],
    formatLocalMinute(startedAt),
    took,
    bytes === null ? '' : formatBytes(bytes),
    [status, format],
    trigger,
    stored.length === 0 ? 'nowhere' : stored.join(', '),
  ]
}

/** The archive, and what went wrong; an error that several destinations had stands there once. */
function below(run: PastRun | undefined, style: Style): string[] {
  const names = new Map<string, string[]>()
  for (const { name, status, error } of run?.destinations ?? []) {
    if (status !== 'failed' || error === null) continue
    const text = `${beside(name, error.message)} (${error.code})`
    names.set(text, [...(names.get(text) ?? []), name])
  }
  const failed = [...names].map(([text, having]): Item => ({
    mark: 'bad',
    name: '',
    details: [`${having.join(', ')}: ${text}`],
  }))
  const warned = (run?.warnings ?? []).map(({ message }): Item => ({ mark: 'look', name: '', details: [message] }))
  const archive = run?.archive == null ? [] : [`${' '.repeat(6)}${clean(run.archive)}`]
  return [...archive, ...items([...failed, ...warned], style, 6)].map((line) => paint(style, 'dim', line))
}
