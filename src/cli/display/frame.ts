import type { Progress } from '../../pipeline/contract/progress.ts'
import { formatBytes, formatCount, formatPercent, formatRate, formatRatio } from './format.ts'
import { endText, isFed, ofTotal, phaseText, stateFormat, stateText, timeText } from './progress-text.ts'
import type { Pace } from './rate.ts'
import { paint, signsOf, type Style } from './style.ts'
import { table, type Cell } from './table.ts'
import { truncate } from './width.ts'

/** Terminals narrower than this get one fact a line. */
const WIDE_ENOUGH = 60
const WIDEST_BAR = 100
const PERCENT_WIDTH = 7

export interface FrameInput {
  readonly progress: Progress
  readonly pace: Pace
  readonly elapsedMs: number
  /** The run has ended; this frame stays. */
  readonly final: boolean
}

/**
 * A run's progress as the lines of a terminal, each shorter than `style.columns`, the most important ones first:
 *
 *     Storing the DICOM files
 *     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━──────────────────────────────────── 42.3 %
 *     12 min 40 s so far, about 2 h 5 min left
 *
 *     Files     412,803 of 1,003,211      3 left out
 *     Data      1.21 TiB of 2.88 TiB      182 MiB/s
 *     Archive   590 GiB                   2.04:1
 *
 *     hospital-dropbox   sending      588 GiB   41.2 MiB/s
 */
export function frame(input: FrameInput, style: Style): string[] {
  const { progress, final } = input
  const title = truncate(final ? endText(progress) : phaseText(progress), style.columns - 1, signsOf(style).ellipsis)
  const blocks = [
    [paint(style, 'bold', title), ...bar(input, style), ...times(input, style)],
    facts(input, style),
    destinations(input, style),
  ]
  return blocks.filter((block) => block.length > 0).flatMap((block, index) => (index === 0 ? block : ['', ...block]))
}

function bar({ pace, final }: FrameInput, style: Style): string[] {
  if (pace.fraction === null) return []
  const { barDone, barRest } = signsOf(style)
  const room = Math.max(0, Math.min(WIDEST_BAR, style.columns - 1) - PERCENT_WIDTH - 1)
  const done = Math.floor(room * pace.fraction)
  const line =
    paint(style, final ? 'dim' : 'green', barDone.repeat(done)) + paint(style, 'dim', barRest.repeat(room - done))
  return [`${line} ${formatPercent(pace.fraction).padStart(PERCENT_WIDTH)}`]
}

function times({ elapsedMs, pace, final }: FrameInput, style: Style): string[] {
  const text = timeText(elapsedMs, final ? { ...pace, leftMs: null } : pace)
  return style.columns > text.length ? [text] : text.split(', ')
}

function facts({ progress, pace, final }: FrameInput, style: Style): string[] {
  const { phase, filesTotal, filesDone, filesSkipped, bytesDone, bytesTotal, dumpBytes, archiveBytes } = progress
  if (phase === 'preparing') return []
  const rate = pace.read === null || phase === 'finishing' || final ? '' : formatRate(pace.read)
  const leftOut = filesSkipped > 0 ? formatCount(filesSkipped) : ''
  const ratio = formatRatio(bytesDone + dumpBytes, archiveBytes) ?? ''

  const rows: Fact[] = []
  if (dumpBytes > 0 || phase === 'dumping') {
    rows.push({
      label: 'Database',
      value: formatBytes(dumpBytes),
      also: phase === 'dumping' ? { label: 'Rate', value: rate } : null,
    })
  }
  if (phase !== 'dumping') {
    rows.push(
      {
        label: 'Files',
        value: ofTotal(filesDone, filesTotal, formatCount),
        also: { label: 'Left out', value: leftOut, wide: `${leftOut} left out` },
      },
      { label: 'Data', value: ofTotal(bytesDone, bytesTotal, formatBytes), also: { label: 'Rate', value: rate } },
    )
  }
  rows.push({ label: 'Archive', value: formatBytes(archiveBytes), also: { label: 'Ratio', value: ratio } })
  return style.columns < WIDE_ENOUGH ? narrowFacts(rows, style) : wideFacts(rows, style)
}

interface Fact {
  readonly label: string
  readonly value: string
  /** What cannot be combined with it, or below it where it is narrow; nothing when its value is empty. */
  readonly also: { readonly label: string; readonly value: string; readonly wide?: string } | null
}

function wideFacts(rows: readonly Fact[], style: Style): string[] {
  const cells = rows.map(({ label, value, also }): Cell[] => [
    [label, 'dim'],
    value,
    also === null || also.value === '' ? '' : (also.wide ?? also.value),
  ])
  return table([{ min: 8 }, { min: 24 }, {}], cells, style)
}

function narrowFacts(rows: readonly Fact[], style: Style): string[] {
  const cells = rows.flatMap(({ label, value, also }): Cell[][] => [
    [[label, 'dim'], value],
    ...(also === null || also.value === '' ? [] : [[[also.label, 'dim'] as const, also.value]]),
  ])
  return table([{ min: 8 }, { shrinks: true }], cells, style)
}

function destinations({ progress, pace, final }: FrameInput, style: Style): string[] {
  const rows = progress.destinations.map(({ name, state, held }, index): Cell[] => {
    const upload = held > 0 ? (pace.upload[index] ?? null) : null
    return [
      name,
      [stateText(state), stateFormat(state)],
      state === 'waiting' ? '' : formatBytes(held),
      upload === null || !isFed(state) || final ? '' : formatRate(upload),
    ]
  })
  const columns = [
    { shrinks: true },
    { min: 'completed'.length },
    { align: 'right', min: '1023 MiB'.length },
    { align: 'right', min: '1023 MiB/s'.length, optional: true },
  ] as const
  return table(columns, rows, style)
}
