import type { BackupError } from '../pipeline/contract/errors.ts'
import type { RestoreResult, RunResult, VerifyResult, Warning } from '../stages/contract/results.ts'

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

/** Of a command whose output could not be written: what it would have told of is not known to anybody. */
export function exitUnwritten(code: ExitCode): ExitCode {
  return code === EXIT.done || code === EXIT.lookAtIt ? EXIT.failed : code
}

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

/** A failed check counts more than one that could not be made, or that has a warning. */
export function exitOfVerify({ ok, checks }: VerifyResult): ExitCode {
  if (ok) return checks.some(({ warnings = [] }) => warnings.length > 0) ? EXIT.lookAtIt : EXIT.done
  return checks.some((check) => check.checked && !check.ok) ? EXIT.failed : EXIT.lookAtIt
}

export function exitOfRestore({ database, damagedFiles = 0, notFound, warnings }: RestoreResult): ExitCode {
  if (damagedFiles > 0 || notFound !== undefined) return EXIT.failed
  const expected = database?.expectedTables ?? null
  const fits = expected === null || database?.tables === expected
  return fits && !warnings.some(isOfConcern) ? EXIT.done : EXIT.lookAtIt
}

export function exitOfError({ code }: BackupError): ExitCode {
  if (code === 'E_CONFIG') return EXIT.usage
  if (code === 'E_LOCKED') return EXIT.locked
  if (code === 'E_ABORTED') return EXIT.interrupted
  return EXIT.failed
}

/** That the events of both databases run is so wherever a copy is made beside the live one: it is said, and no more. */
export const isOfConcern = ({ code }: Warning): boolean => code !== 'events-run-twice'
