import { asBackupError, BackupError } from '../pipeline/errors.ts'
import { report } from '../stages/backup/run-result.ts'
import { ConfigError } from '../stages/config/config-error.ts'
import { redact } from '../stages/log/redact.ts'
import { errorText } from './display/error.ts'
import { styleOf, type Style, type TextStream } from './display/style.ts'
import { exitOfError, type ExitCode } from './exit.ts'

/**
 * Where results go: one JSON object on stdout with `--json`, text for people without. Progress and logs never come
 * here.
 */
export interface Output {
  readonly json: boolean
  /** Prints a command's result: `value` as JSON, or what `text` makes of it. */
  result(value: unknown, text: (style: Style) => string): Promise<void>
  /** Prints why a command failed, on stdout as JSON or on stderr for people, and gives the exit code. */
  failure(thrown: unknown): Promise<ExitCode>
}

export function openOutput(json: boolean): Output {
  return {
    json,
    result: (value, text) => print(process.stdout, json ? `${JSON.stringify(value)}\n` : text(styleOf(process.stdout))),
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
