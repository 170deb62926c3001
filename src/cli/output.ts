import { asBackupError } from '../pipeline/contract/errors.ts'
import { report } from '../stages/contract/report.ts'
import { ConfigError } from '../stages/config/config-error.ts'
import { visibleJson } from '../stages/log/visible.ts'
import { errorText } from './display/error.ts'
import { styleOf, type Style } from './display/style.ts'
import { EXIT, exitOfError, type ExitCode } from './exit.ts'
import { streams, write } from './streams.ts'

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
      if (json) await write('stdout', `${visibleJson(value)}\n`)
      else if (quiet) kept += text(styleOf(streams.stdout))
      else await write('stdout', text(styleOf(streams.stdout)))
    },
    async end(code) {
      if (code !== EXIT.done && kept !== '') await write('stdout', kept)
    },
    async failure(thrown) {
      const error = asBackupError(thrown)
      if (json) {
        const faults = error instanceof ConfigError ? { faults: error.faults } : {}
        await write('stdout', `${visibleJson({ error: { ...report(error), ...faults } })}\n`)
      } else {
        await write('stderr', errorText(error, styleOf(streams.stderr)))
      }
      return exitOfError(error)
    },
  }
}
