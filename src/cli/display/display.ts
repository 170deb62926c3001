import type { TextStream } from './style.ts'

/** Somewhere a run's progress is shown. Draws when told to; start.ts owns the clock and the stream's errors. */
export interface Display {
  /** Shows what is new, if anything. */
  tick(): void
  /** Text that has nothing to do with the display's own, on lines of its own. */
  note(text: string): void
  /** Where the run and each destination stand, at once and to stay. */
  report(): void
  /** Shows the end (`final`), or takes away what can be taken away. Called once, last. */
  stop(final: boolean): void
}

export interface DisplayContext {
  readonly stream: TextStream
  /** For a stream that does not know its own width. */
  readonly columns: number
  /** Ms since 1970. */
  readonly now: () => number
}
