import { drawnInPlace } from './in-place.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import type { Display, DisplayContext } from './display.ts'
import { frame } from './frame.ts'
import { destinationText, overallText } from './progress-text.ts'
import { newPaceMeter } from './rate.ts'
import { styleOf, type Style } from './style.ts'
import { cleanLines, visibleWidth, wrap } from './width.ts'

/**
 * Progress in place, on a terminal. Only what changed is written (log-update), the cursor stays visible below the
 * frame, so that a killed run leaves a terminal in order, and lines that it does not draw itself go through `note`.
 */
export function liveDisplay(progress: Progress, { stream, columns, now }: DisplayContext): Display {
  const update = drawnInPlace(stream, { showCursor: true, defaultWidth: columns })
  const meter = newPaceMeter()
  const startedAt = now()
  let shown: readonly string[] = []
  let shownColumns = 0

  // A terminal whose size nobody has set says 0: it gets notes, and a frame as soon as it has a size.
  const style = (): Style => ({
    ...styleOf(stream),
    columns: stream.columns === 0 ? columns : (stream.columns ?? columns),
  })

  /**
   * Takes the frame off the screen. A terminal that became narrower has broken its lines, which log-update does not
   * know: they are counted here as the terminal breaks them.
   */
  const erase = (width: number): void => {
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleWidth(line) / width)), 0)
    if (rows > 0) stream.write(`\u001b[${rows}A\r\u001b[J`)
    update.done()
    shown = []
  }

  const draw = (final: boolean): void => {
    const current = style()
    const at = now()
    const elapsedMs = at - startedAt
    const lines = frame({ progress, pace: meter.look(progress, at), elapsedMs, final }, current)
    const fitting = stream.columns === 0 ? [] : fitRows(lines, (stream.rows ?? 24) - 1)
    // log-update's patches hold for frames of as many lines and the same width.
    if (fitting.length !== shown.length || current.columns !== shownColumns) erase(current.columns)
    if (fitting.length > 0) update(fitting.join('\n'))
    shown = fitting
    shownColumns = current.columns
  }

  const note = (text: string): void => {
    const current = style()
    erase(current.columns)
    for (const line of cleanLines(text)) stream.write(`${wrap(line, current.columns - 1).join('\n')}\n`)
    draw(false)
  }

  return {
    tick() {
      draw(false)
    },
    note,
    report() {
      const pace = meter.look(progress, now())
      const lines = progress.destinations.map((one, index) => destinationText(one, pace.upload[index] ?? null))
      note([overallText(progress, pace), ...lines].join('\n'))
    },
    stop(final) {
      if (final) draw(true)
      else erase(style().columns)
      update.done()
      if (final) stream.write('\n')
    },
  }
}

/** On a low terminal first the empty lines go, then the last ones, which matter least. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines
  return lines.filter((line) => line !== '').slice(0, Math.max(0, rows))
}
