import type { Progress } from '../../pipeline/contract/progress.ts'
import type { Display } from './display.ts'
import { liveDisplay } from './live.ts'
import { plainDisplay } from './plain.ts'
import type { TextStream } from './style.ts'

const LIVE_MS = 200
const PLAIN_MS = 1000

export interface DisplayOptions {
  /** Where people look: stderr, as stdout belongs to results. */
  readonly stream: TextStream
  /** Draw in place; by default when the stream is a terminal that can (TERM is not 'dumb'). */
  readonly isTty?: boolean
  /** Width for a stream that does not know its own; 80. */
  readonly columns?: number
  /** Ms between two looks at the progress; 200 on a terminal, else 1000. */
  readonly intervalMs?: number
  /** Ms since 1970. */
  readonly now?: () => number
}

export type RunningDisplay = Pick<Display, 'note' | 'report' | 'stop'>

/**
 * Shows `progress` from now until `stop`: in place on a terminal, else in plain lines. Its ticker does not keep the
 * process alive. A stream that fails (a closed terminal, a broken pipe) ends the display, never the run; its later
 * errors are swallowed too, so the listener stays. After `stop` nothing is written any more, and a second `stop` does
 * nothing.
 */
export function startDisplay(progress: Progress, options: DisplayOptions): RunningDisplay {
  const { stream, isTty = stream.isTTY === true && process.env.TERM !== 'dumb' } = options
  const { columns = 80, intervalMs = isTty ? LIVE_MS : PLAIN_MS, now = Date.now } = options
  const display = (isTty ? liveDisplay : plainDisplay)(progress, { stream, columns, now })
  let ended = false

  const tick = (): void => {
    // A terminal that does not keep up gets the next frame instead of a queue of them.
    if (stream.writableNeedDrain !== true) display.tick()
  }
  const end = (): void => {
    ended = true
    clearInterval(ticker)
    stream.off('resize', tick)
  }
  const ticker = setInterval(tick, intervalMs)
  ticker.unref()
  stream.on('resize', tick)
  stream.on('error', end)
  tick()

  return {
    note(text) {
      if (!ended) display.note(text)
    },
    report() {
      if (!ended) display.report()
    },
    stop(final) {
      if (ended) return
      end()
      display.stop(final)
    },
  }
}
