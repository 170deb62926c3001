import type { DestinationProgress, Progress } from '../../pipeline/contract/progress.ts'
import type { Display, DisplayContext } from './display.ts'
import { formatDuration, formatLocalTime } from './format.ts'
import { destinationText, endText, overallText } from './progress-text.ts'
import { newPaceMeter, type Pace } from './rate.ts'
import { cleanLines } from './width.ts'

const FIRST_GAP_MS = 30_000
const LONGEST_GAP_MS = 600_000
/** The pause between two lines grows with the run's age: this share of it. */
const GAP_SHARE = 1 / 20

/**
 * Progress where there is no terminal (cron's mail, a service's journal, a file): whole lines with their local time and
 * no control sequences. A line at the start, at each change of phase and at each destination's change of state; then
 * every 30 seconds, and for runs of hours and days every twentieth of their age, at most every 10 minutes. A
 * destination that goes back and forth between sending, retrying and catching up is reported at most as often.
 */
export function plainDisplay(progress: Progress, { stream, now }: DisplayContext): Display {
  const meter = newPaceMeter()
  const startedAt = now()
  const told = progress.destinations.map(({ state }) => ({ state, at: -Infinity }))
  let phase: Progress['phase'] | null = null
  let lastLineAt = startedAt

  const line = (text: string): void => {
    stream.write(`${formatLocalTime(now())}  ${text}\n`)
  }
  const overall = (pace: Pace): void => {
    line(overallText(progress, pace))
    phase = progress.phase
    lastLineAt = now()
  }
  const destination = (index: number, pace: Pace): void => {
    const current = progress.destinations[index]
    if (current === undefined) return
    line(destinationText(current, pace.upload[index] ?? null))
    told[index] = { state: current.state, at: now() }
  }
  const gap = (): number => Math.min(LONGEST_GAP_MS, Math.max(FIRST_GAP_MS, (now() - startedAt) * GAP_SHARE))

  return {
    tick() {
      const pace = meter.look(progress, now())
      if (progress.phase !== phase) overall(pace)
      progress.destinations.forEach(({ state }, index) => {
        const before = told[index]
        if (before === undefined || before.state === state) return
        if (!isSameEffort(before.state, state) || now() - before.at >= gap()) destination(index, pace)
      })
      if (now() - lastLineAt >= gap()) overall(pace)
    },
    note(text) {
      cleanLines(text).forEach(line)
    },
    report() {
      const pace = meter.look(progress, now())
      overall(pace)
      progress.destinations.forEach((_, index) => {
        destination(index, pace)
      })
    },
    stop(final) {
      if (!final) return
      const pace = meter.look(progress, now())
      progress.destinations.forEach(({ state }, index) => {
        if (told[index]?.state !== state) destination(index, pace)
      })
      line(`${endText(progress)}, after ${formatDuration(now() - startedAt)}`)
    },
  }
}

/** Sending, retrying and catching up are faces of one effort; every other state is news. */
function isSameEffort(a: DestinationProgress['state'], b: DestinationProgress['state']): boolean {
  const effort = ['sending', 'retrying', 'behind']
  return effort.includes(a) && effort.includes(b)
}
