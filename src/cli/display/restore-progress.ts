import { Writable } from 'node:stream'
import { drawnInPlace } from './in-place.ts'
import type { OnWork, Activity } from '../../stages/find/activity.ts'
import { formatBytes, formatCount, formatFiles, formatLocalTime, formatPercent } from './format.ts'
import type { TextStream } from './style.ts'
import { clean, cleanLines, truncate } from './width.ts'

const LIVE_MS = 200
const PLAIN_MS = 30_000

const DOING: Readonly<Record<Activity['doing'], string>> = {
  asking: 'Asking',
  hashing: 'Reading the copy at',
  reading: 'Reading the archive at',
  restoring: 'Restoring the files from',
  loading: 'Loading the dump from',
  replacing: 'Replacing the database with what was loaded from',
  counting: 'Counting the rows of the dump from',
}

/** What a person at stderr sees while archives are read: how far it is, and the log's warnings in between. */
export interface WorkDisplay {
  readonly onWork: OnWork
  /** For the log. */
  readonly lines: Writable
  note(text: string): void
  /** Ends it and takes away what can be taken away. */
  stop(): void
}

/**
 * On a terminal a line in place; elsewhere one for each new piece of work and then every 30 seconds. With `quiet` (for
 * `--json`) only notes.
 */
export function openWorkDisplay(stream: TextStream, quiet: boolean, now: () => number = Date.now): WorkDisplay {
  const live = !quiet && stream.isTTY === true && process.env.TERM !== 'dumb'
  const update = live ? drawnInPlace(stream, { showCursor: true }) : null
  let look: (() => Activity) | null = null
  let told = ''

  const draw = (): void => {
    if (look === null || stream.writableNeedDrain === true) return
    const width = (stream.columns ?? 0) > 0 ? (stream.columns ?? 80) : 80
    if (update !== null) update(truncate(workText(look()), width - 1, '…'))
    else stream.write(`${formatLocalTime(now())}  ${workText(look())}\n`)
  }
  const note = (text: string): void => {
    update?.clear()
    for (const line of cleanLines(text)) stream.write(`${line}\n`)
    if (update !== null) draw()
  }
  // A terminal that is closed ends the display, not the work.
  stream.on('error', () => undefined)
  const ticker = quiet ? null : setInterval(draw, live ? LIVE_MS : PLAIN_MS)
  ticker?.unref()

  return {
    onWork(next) {
      look = next
      const begun = `${next().doing} ${next().destination ?? ''}`
      if (quiet || begun === told) return
      told = begun
      draw()
    },
    lines: new Writable({
      decodeStrings: false,
      write: (chunk: string | Buffer, _encoding, done) => {
        note(chunk.toString().trimEnd())
        done()
      },
    }),
    note,
    stop() {
      if (ticker !== null) clearInterval(ticker)
      look = null
      update?.clear()
      update?.done()
    },
  }
}

/** 'Restoring the files from nas: 42.3 %, 12 of 5,000 files, 41.2 MiB of 2.00 GiB' */
export function workText({ doing, destination, done, total, files }: Activity): string {
  const parts: string[] = []
  const begun = done > 0 || (files?.done ?? 0) > 0
  if (begun && total !== null && total > 0) parts.push(formatPercent(done / total))
  if (files !== null) parts.push(`${formatCount(files.done)} of ${formatFiles(files.total)}`)
  if (total !== null) parts.push(begun ? `${formatBytes(done)} of ${formatBytes(total)}` : formatBytes(total))
  const what = `${DOING[doing]} ${destination === null ? 'the destinations' : clean(destination)}`
  return parts.length === 0 ? what : `${what}: ${parts.join(', ')}`
}
