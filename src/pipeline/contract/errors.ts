/**
 * The closed set of errors. Each answers two questions: for the engine, what now (`remedy`); for the person, what
 * happened (`message`), and what to do (`advice`). docs/errors.md has a heading for every code.
 */

export type ErrorCode =
  | 'E_CONFIG' // the configuration or the command line is wrong
  | 'E_SOURCE' // the archive folder or a file in it cannot be read
  | 'E_DUMP' // the database dump failed or is incomplete
  | 'E_DESTINATION' // a destination answered with an error or not at all
  | 'E_AUTH' // a destination or the database refuses the sign-in
  | 'E_QUOTA' // a destination, or the state folder's disk, is full
  | 'E_OFFSET' // a destination holds more or fewer bytes than were sent
  | 'E_SESSION' // an upload session is gone
  | 'E_INTEGRITY' // what a destination stored is not what was sent
  | 'E_STATE' // the state folder, or a file in it, cannot be used
  | 'E_LOCKED' // another run is active
  | 'E_ABORTED' // stopped by a signal
  | 'E_INTERNAL' // a fault in this program

/**
 * What helps against an error: `retry` the same call after a pause; `resume` ask what is held and go on there;
 * `restart` a new upload from byte 0; `stop` nothing. The engine retries and resumes; for the other two it gives the
 * destination (or the run) up, as bytes that every destination has released cannot be had again.
 */
export type Remedy = 'retry' | 'resume' | 'restart' | 'stop'

export interface BackupErrorOptions {
  readonly remedy?: Remedy
  /** One sentence for a person: what to do about it. Empty when there is nothing to do. */
  readonly advice?: string
  /** The pause, in ms, that the far side asked for; null when it named none. */
  readonly retryAfterMs?: number | null
  readonly cause?: unknown
}

/** The only error class that leaves a stage. Never carries a secret, a patient's name or id, or the path of an image. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: ErrorCode
  readonly remedy: Remedy
  readonly advice: string
  readonly retryAfterMs: number | null

  constructor(code: ErrorCode, message: string, options: BackupErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.remedy = options.remedy ?? 'stop'
    this.advice = options.advice ?? ''
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** The error that an aborted signal stands for: its own BackupError reason, else E_ABORTED. */
export function abortError(signal: AbortSignal): BackupError {
  const reason: unknown = signal.reason
  if (reason instanceof BackupError) return reason
  return new BackupError('E_ABORTED', 'The run was stopped.', { cause: reason })
}

/** Any thrown value as a BackupError; what is not one yet becomes E_INTERNAL with the original as `cause`. */
export function asBackupError(error: unknown, signal?: AbortSignal): BackupError {
  if (error instanceof BackupError) return error
  if (signal?.aborted === true) return abortError(signal)
  const text = error instanceof Error ? error.message : String(error)
  return new BackupError('E_INTERNAL', `An unexpected fault: ${text}`, {
    cause: error,
    advice: 'Please report it with the log file.',
  })
}

/** The system's error code ('ENOENT', 'ENOSPC', …) of a thrown value, or '' when it has none. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return ''
}

/** The system's call ('open', 'write', …) that a thrown value is of, or '' when it has none. */
export function systemCall(error: unknown): string {
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : ''
}
