import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { BackupError } from '../pipeline/contract/errors.ts'
import { configPlaces } from '../stages/config/places.ts'
import { visibleLines } from '../stages/log/visible.ts'
import { endProcess } from './end-process.ts'
import { EXIT, exitUnwritten, type ExitCode } from './exit.ts'
import { openOutput } from './output.ts'
import { allWritten, write } from './streams.ts'
import { VERSION } from './version.ts'
import { archives, history, init, resume, run, status } from './words/backing-up.ts'
import { accounts, demo, doctor, prune, schedule } from './words/managing.ts'
import { restore, verify } from './words/recovering.ts'
import type { Words } from './words/words.ts'

/** In the order of the help. */
const COMMANDS = [
  init,
  run,
  resume,
  status,
  archives,
  history,
  accounts,
  schedule,
  prune,
  verify,
  restore,
  doctor,
  demo,
]

/** Words of other backup programs, and what they are called here. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  backup: 'run',
  start: 'run',
  continue: 'resume',
  snapshots: 'archives',
  list: 'archives',
  ls: 'archives',
  backups: 'archives',
  archive: 'archives',
  runs: 'history',
  log: 'history',
  destinations: 'accounts',
  remotes: 'accounts',
  connect: 'accounts connect NAME',
  login: 'accounts connect NAME',
  check: 'verify',
  test: 'doctor',
  extract: 'restore',
  forget: 'prune',
  setup: 'init',
  config: 'init',
  install: 'schedule install',
}

/**
 * Runs the command line and gives the exit code. Commands are loaded when they are called, so that a short one starts
 * fast.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  process.once('uncaughtException', (error) => {
    const lines = visibleLines(error instanceof Error ? (error.stack ?? error.message) : String(error))
    void write('stderr', `${lines.join('\n')}\n`).then(() => {
      endProcess(EXIT.failed)
    })
  })
  const code = await carriedOut(args)
  return (await allWritten()) ? code : exitUnwritten(code)
}

async function carriedOut(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  const wrap: Words['wrap'] = (action) => async (flags) => {
    const output = openOutput(flags)
    try {
      code = await action(flags, output)
      await output.end(code)
    } catch (error) {
      code = await output.failure(error)
    }
  }
  const top = program(wrap)
  if (args[0] === 'version') args = ['--version', ...args.slice(1)]
  try {
    await top.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return EXIT.done
    const output = openOutput({ json: args.includes('--json') })
    const helped = error.code === 'commander.help'
    if (helped && !output.json) return EXIT.usage
    const command = top.commands.find((one) => one.name() === args[0])
    const inner = command?.commands.find((one) => one.name() === args[1])
    const what = helped ? 'No command given.' : (unknownWord(command, args) ?? sentences(error.message))
    const words = [command, inner].flatMap((one) => (one === undefined ? [] : [one.name()]))
    const help = words.length === 0 ? 'dicom-backup help' : `dicom-backup ${words.join(' ')} --help`
    return await output.failure(new BackupError('E_CONFIG', what, { advice: `See: ${help}` }))
  }
}

/**
 * For a word of another program, and for one in the place of a command of a group, which commander takes for an
 * argument of the default one. Null for other mistakes.
 */
function unknownWord(group: Command | undefined, [first = '', word]: readonly string[]): string | null {
  const meant = Object.hasOwn(OTHER_WORDS, first) ? OTHER_WORDS[first] : undefined
  if (group === undefined && meant !== undefined)
    return `Unknown command '${first}'. Did you mean: dicom-backup ${meant}`
  const names = group?.commands.map((one) => one.name()) ?? []
  if (group === undefined || names.length === 0 || word === undefined) return null
  if (word.startsWith('-') || names.includes(word)) return null
  return `Unknown command '${group.name()} ${word}'. Expected one of: ${names.filter((name) => name !== 'help').join(', ')}.`
}

/** Commander's "error: unknown command 'runn'\n(Did you mean run?)" in sentences. */
function sentences(message: string): string {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n')
  return `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, '.')} ${hint.replace(/^\((.*)\)$/, '$1')}`.trimEnd()
}

function program(wrap: Words['wrap']): Command {
  const top = new Command('dicom-backup')
    .description(
      'Backs up a MySQL database and a DICOM folder into one ZIP archive: read once, sent to Dropbox, Google Drive and folders at the same time, verified at each.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void write('stdout', text),
      writeErr: (text) => void write('stderr', text),
      outputError: () => undefined,
    })
    .showHelpAfterError(false)
    .addHelpText(
      'after',
      `
Examples:
  dicom-backup init             write a configuration to fill in
  dicom-backup doctor           check everything a run needs
  dicom-backup run              back up now, or resume the interrupted run
  dicom-backup COMMAND --help   options and examples of a command

Configuration file, unless --config or DICOM_BACKUP_CONFIG names one:
${configPlaces()
  .map((place, index) => `  ${index === 0 ? `${place} in the current folder` : place}`)
  .join('\n')}

Exit codes:
  0  done, or nothing is due   3  stored with warnings; something needs attention
  1  failed: nothing stored    4  another run is active
  2  wrong usage or config     130  interrupted by a signal; can be resumed`,
    )

  for (const add of COMMANDS) add({ top, wrap })
  refuseOptionsAsValues(top)
  return top
}

/** Commander takes `--study --json` for a study that is called "--json"; nobody means that. */
function refuseOptionsAsValues(command: Command): void {
  const flags = new Set(command.options.flatMap(({ short, long }) => [short, long]).filter((one) => one != null))
  for (const option of command.options.filter(({ required, optional }) => required || optional)) {
    const parse = option.parseArg?.bind(option)
    option.argParser((value: string, previous: unknown): unknown => {
      if (flags.has(value)) throw new InvalidArgumentError('That is an option, so the value is missing.')
      return parse === undefined ? value : parse(value, previous)
    })
  }
  command.commands.forEach(refuseOptionsAsValues)
}
