/** What the files of this folder share: they say the words of the commands. A command is loaded only when it is called. */
import { Option, type Command, type CommandOptions } from 'commander'
import { CONFIG_NAME, defaultConfig } from '../../stages/config/places.ts'
import type { ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'

export interface Shared {
  readonly config: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

export type Action<Flags> = (flags: Flags & Shared, output: Output) => Promise<ExitCode>

/** What a command is added to. */
export interface Words {
  readonly top: Command
  /** An action for commander: opens the output, runs it and keeps its exit code. */
  readonly wrap: <Flags>(action: Action<Flags>) => (flags: Flags & Shared) => Promise<void>
}

/** A command with `--json`, of `parent`. */
export function command(parent: Command, name: string, description: string, options: CommandOptions = {}): Command {
  return parent
    .command(name, options)
    .description(description)
    .option('--json', 'print one JSON object on stdout and nothing else')
}

/** Looked for once: a dozen commands name it. */
let usual: string | null = null

/** A command with `--json` that reads the configuration. */
export function withConfig(parent: Command, name: string, description: string, options: CommandOptions = {}): Command {
  return command(parent, name, description, options).addOption(
    new Option('-c, --config <file>', 'the configuration file')
      .env('DICOM_BACKUP_CONFIG')
      .default((usual ??= defaultConfig()), `${CONFIG_NAME}, see "dicom-backup help"`),
  )
}

/** A command that works for a while and says how far it is: `--quiet` and `--verbose` as well. */
export function withLevels(one: Command): Command {
  return one
    .addOption(new Option('-q, --quiet', 'print nothing unless something needs attention').conflicts('verbose'))
    .addOption(new Option('-v, --verbose', 'also print each step as it goes to the log'))
}

/** Examples below a command's help: what is typed after `dicom-backup`, and what it does. */
export function examples(one: Command, lines: readonly (readonly [typed: string, does: string])[]): Command {
  const width = Math.max(...lines.map(([typed]) => typed.length))
  const text = lines.map(([typed, does]) => `  dicom-backup ${typed.padEnd(width)}  ${does}`)
  return one.addHelpText('after', `\nExamples:\n${text.join('\n')}`)
}

/** An option that may be given several times. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((one, all: readonly string[] | undefined) => [...(all ?? []), one])
}
