import type { BackupError } from '../pipeline/errors.ts'
import type { RunResult } from '../stages/backup/results.ts'

/** The exit codes, as README.md lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  lookAtIt: 3,
  locked: 4,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export function exitOfRun(status: RunResult['status']): ExitCode {
  switch (status) {
    case 'completed':
    case 'skipped':
      return EXIT.done
    case 'partial':
      return EXIT.lookAtIt
    case 'failed':
      return EXIT.failed
    case 'interrupted':
      return EXIT.interrupted
  }
}

export function exitOfError({ code }: BackupError): ExitCode {
  if (code === 'E_CONFIG') return EXIT.usage
  if (code === 'E_LOCKED') return EXIT.locked
  if (code === 'E_ABORTED') return EXIT.interrupted
  return EXIT.failed
}
