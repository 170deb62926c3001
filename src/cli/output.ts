import { asBackupError, BackupError } from '../pipeline/errors.ts'
import { report } from '../stages/backup/run-result.ts'
import { ConfigError } from '../stages/config/config-error.ts'
import { redact } from '../stages/log/redact.ts'
import { errorText } from './display/error.ts'
import { styleOf, type Style, type TextStream } from './display/style.ts'
import { EXIT, exitOfError, type ExitCode } from './exit.ts'

/**
 * Where results go: one JSON object on stdout with `--json`, text for people without. Progress and logs never come
 * here.
 */
export interface Output {
  readonly json: boolean
  /** No progress is shown: `--json` or `--quiet`. */
  readonly quiet: boolean
  /** Every line of the log is shown as well: `--verbose`. */
  readonly verbose: boolean
  /**
   * Prints a command's result: `value` as JSON, or what `text` makes of it. With `--quiet` the text waits until the
   * command has ended: see `end`.
   */
  result(value: unknown, text: (style: Style) => string): Promise<void>
  /** Prints why a command failed, on stdout as JSON or on stderr for people, and gives the exit code. */
  failure(thrown: unknown): Promise<ExitCode>
  /** Prints what `--quiet` has kept back, when the command ended with another code than 0. */
  end(code: ExitCode): Promise<void>
}

export interface OutputFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

export function openOutput({ json = false, quiet = false, verbose = false }: OutputFlags): Output {
  let kept = ''
  return {
    json,
    quiet: json || quiet,
    verbose,
    async result(value, text) {
      if (json) await print(process.stdout, `${JSON.stringify(value)}\n`)
      else if (quiet) kept += text(styleOf(process.stdout))
      else await print(process.stdout, text(styleOf(process.stdout)))
    },
    async end(code) {
      if (code !== EXIT.done && kept !== '') await print(process.stdout, kept)
    },
    async failure(thrown) {
      const error = withoutSecrets(asBackupError(thrown))
      if (json) {
        const faults = error instanceof ConfigError ? { faults: error.faults } : {}
        await print(process.stdout, `${JSON.stringify({ error: { ...report(error), ...faults } })}\n`)
      } else {
        await print(process.stderr, errorText(error, styleOf(process.stderr)))
      }
      return exitOfError(error)
    },
  }
}

/** The error as it may be shown. A ConfigError never holds a secret's value, and keeps its faults. */
function withoutSecrets(error: BackupError): BackupError {
  if (error instanceof ConfigError) return error
  return new BackupError(error.code, redact(error.message), { remedy: error.remedy, advice: redact(error.advice) })
}

/**
 * Writes all of it before it resolves: the process may exit right after. A reader that has gone is no fault of ours.
 */
function print(stream: TextStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => {
      resolve()
    })
    stream.write(text, () => {
      resolve()
    })
  })
}
