/** The hourly job that calls `run --if-due`, in the words of whichever scheduler the machine has. */
import { createHash } from 'node:crypto'
import path from 'node:path'

export type JobKind = 'systemd' | 'cron' | 'task-scheduler'

/** What the job starts, with absolute paths. */
export interface JobCall {
  /** Node.js. */
  readonly program: string
  readonly args: readonly string[]
  /** The folder it starts in: that of the configuration file. */
  readonly folder: string
  /** The configuration file; each has a job of its own. */
  readonly config: string
}

export interface JobFile {
  readonly path: string
  readonly content: string
  readonly encoding: 'utf8' | 'utf16le'
}

/** A program and its arguments. */
export interface JobCommand {
  readonly words: readonly string[]
  /** Its standard input; absent when there is none. */
  readonly input?: string
  /** What a failure of it means for people; absent where a failure fails the whole. */
  readonly optional?: string
  /**
   * What a person does in its place, for a command that replaces more than this job when it is pasted; absent where the
   * command itself may be pasted.
   */
  readonly byHand?: string
}

/** Everything that installing or removing a job does. */
export interface JobPlan {
  readonly kind: JobKind
  /** Its name in the scheduler. */
  readonly name: string
  readonly files: readonly JobFile[]
  readonly commands: readonly JobCommand[]
  /** What a person should know of it. */
  readonly notes: readonly string[]
}

/** The call of this program for a configuration file. `script`: the program's own file. */
export function jobCall(configFile: string, script: string): JobCall {
  const config = path.resolve(configFile)
  return {
    program: process.execPath,
    args: [path.resolve(script), 'run', '--if-due', '--config', config],
    folder: path.dirname(config),
    config,
  }
}

/** The same for the same configuration file, and another for another: two installations do not touch each other's. */
export function jobName({ config }: Pick<JobCall, 'config'>): string {
  const normal = process.platform === 'win32' ? config.toLowerCase() : config
  return `dicom-backup-${createHash('sha256').update(normal).digest('hex').slice(0, 8)}`
}

/** A path that no scheduler's file can hold, so that it is refused before anything is written. */
export function hasControlCharacters(call: JobCall): boolean {
  return [call.program, ...call.args, call.folder].some((word) => /\p{Cc}/u.test(word))
}
