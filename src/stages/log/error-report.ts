import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'

const DEEPEST = 8

/** An error as it stands in the log: words only, no request, no answer, no file of the archive. */
export interface LoggedError {
  readonly code: string
  readonly message: string
  readonly advice?: string
  /** Messages of the errors behind it, the nearest first. */
  readonly causes?: readonly string[]
  /** Where in the program it arose; only for errors that the program did not expect. */
  readonly stack?: readonly string[]
}

export function errorReport(error: Error): LoggedError {
  const known = error instanceof BackupError
  const causes = chainOf(error).map(wordsOf)
  const expected = known && error.code !== 'E_INTERNAL'
  const origin = known && error.cause instanceof Error ? error.cause : error
  return {
    code: known ? error.code : systemCode(error) || error.name,
    message: wordsOf(error),
    ...(known && error.advice !== '' ? { advice: error.advice } : {}),
    ...(causes.length > 0 ? { causes } : {}),
    ...(expected ? {} : { stack: framesOf(origin) }),
  }
}

/** The errors behind an error, the nearest first. */
function chainOf(error: Error): Error[] {
  const chain: Error[] = []
  const waiting: unknown[] = behind(error)
  while (waiting.length > 0 && chain.length < DEEPEST) {
    const next = waiting.shift()
    if (!(next instanceof Error)) continue
    chain.push(next)
    waiting.push(...behind(next))
  }
  return chain
}

function behind(error: Error): unknown[] {
  return [
    ...(error.cause === undefined ? [] : [error.cause]),
    ...(error instanceof AggregateError ? (error.errors as unknown[]) : []),
  ]
}

/**
 * An error's message. What is not written by us may quote a system error, which names the file it is about, and a DICOM
 * file's name may be a patient's.
 */
export function wordsOf(error: Error): string {
  if (error instanceof BackupError && error.code !== 'E_INTERNAL') return error.message
  return [error, ...chainOf(error)]
    .flatMap(namesOf)
    .reduce((words, name) => words.replaceAll(`'${name}'`, '[path]'), error.message)
}

function namesOf(error: Error): string[] {
  const { path, dest } = error as { readonly path?: unknown; readonly dest?: unknown }
  return [path, dest].filter((name) => typeof name === 'string' && name !== '') as string[]
}

function framesOf(error: Error): string[] {
  return (error.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
}
