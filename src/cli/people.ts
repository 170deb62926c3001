import { Writable } from 'node:stream'
import type { Progress } from '../pipeline/contract/progress.ts'
import { startDisplay, type RunningDisplay } from './display/start.ts'
import { streams, write } from './streams.ts'

/**
 * What a person at stderr sees while a run goes on: the display of its progress, and the log's warnings in between,
 * never one through the other. With `quiet` (for `--json`) there is no display, and warnings come as they are.
 */
export interface People {
  /** For the log. */
  readonly lines: Writable
  /** Shows these counters from now on. */
  watch(progress: Progress): void
  note(text: string): void
  /** Ends the display. `final`: the run came to its end. */
  stop(final: boolean): void
}

export function openPeople(quiet: boolean): People {
  let display: RunningDisplay | null = null
  const note = (text: string): void => {
    if (display === null) void write('stderr', `${text}\n`)
    else display.note(text)
  }
  const report = (): void => {
    display?.report()
  }
  const lines = new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, _encoding, done) => {
      note(chunk.toString().trimEnd())
      done()
    },
  })
  return {
    lines,
    note,
    watch(progress) {
      if (quiet) return
      display = startDisplay(progress, { stream: streams.stderr })
      if (process.platform !== 'win32') process.on('SIGUSR1', report)
    },
    stop(final) {
      display?.stop(final)
      display = null
      process.off('SIGUSR1', report)
    },
  }
}
