import { Command, CommanderError } from 'commander'
import { BackupError } from '../pipeline/errors.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { openOutput } from './output.ts'
import { VERSION } from './version.ts'
import { accounts } from './words/accounts.ts'
import { demo } from './words/demo.ts'
import { doctor } from './words/doctor.ts'
import { history } from './words/history.ts'
import { init } from './words/init.ts'
import { prune } from './words/prune.ts'
import { restore } from './words/restore.ts'
import { resume } from './words/resume.ts'
import { run } from './words/run.ts'
import { schedule } from './words/schedule.ts'
import { status } from './words/status.ts'
import { verify } from './words/verify.ts'
import type { Words } from './words/words.ts'

/** In the order of the help. */
const COMMANDS = [init, run, resume, status, history, accounts, schedule, prune, verify, restore, doctor, demo]

/**
 * Runs the command line and gives the exit code. Commands are loaded when they are called, so that a short one starts
 * fast.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  const wrap: Words['wrap'] = (action) => async (flags) => {
    const output = openOutput(flags.json ?? false)
    try {
      code = await action(flags, output)
    } catch (error) {
      code = await output.failure(error)
    }
  }
  const top = program(wrap)
  try {
    await top.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return EXIT.done
    const output = openOutput(args.includes('--json'))
    const helped = error.code === 'commander.help'
    if (helped && !output.json) return EXIT.usage
    const command = top.commands.find((one) => one.name() === args[0])
    const inner = command?.commands.find((one) => one.name() === args[1])
    // A group's default command would take another's misspelt name for an argument of its own.
    const misspelt = error.code === 'commander.excessArguments' && inner === undefined && command?.commands.length !== 0
    const what = helped
      ? 'No command was given.'
      : misspelt && command !== undefined
        ? `${command.name()} has no command '${args[1] ?? ''}'. It has: ${command.commands.map((one) => one.name()).join(', ')}.`
        : sentences(error.message)
    const words = [command, inner].flatMap((one) => (one === undefined ? [] : [one.name()]))
    const help = words.length === 0 ? 'dicom-backup help' : `dicom-backup ${words.join(' ')} --help`
    return await output.failure(new BackupError('E_CONFIG', what, { advice: `See: ${help}` }))
  }
}

/** Commander's "error: unknown command 'runn'\n(Did you mean run?)" in sentences. */
function sentences(message: string): string {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n')
  return `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, '.')} ${hint.replace(/^\((.*)\)$/, '$1')}`.trimEnd()
}

function program(wrap: Words['wrap']): Command {
  const top = new Command('dicom-backup')
    .description(
      'Backs up a MySQL database and a DICOM folder into one ZIP, at once to Dropbox, Google Drive and folders, read once and verified by each destination.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showHelpAfterError(false)
    .addHelpText(
      'after',
      `
Exit codes:
  0  done                      3  stored, but look at it
  1  failed: nothing stored    4  another run is active
  2  wrong usage or config     130  interrupted by a signal`,
    )

  for (const add of COMMANDS) add({ top, wrap })
  return top
}
