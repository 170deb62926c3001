import { Command, CommanderError, Option } from 'commander'
import { BackupError } from '../pipeline/errors.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { openOutput, type Output } from './output.ts'
import { VERSION } from './version.ts'

interface Shared {
  readonly config: string
  readonly json?: boolean
}

interface RunWords {
  readonly dryRun?: boolean
  readonly fresh?: boolean
  readonly destination?: readonly string[]
  readonly acceptShrunk?: boolean
}

interface VerifyWords {
  readonly from?: string
  readonly deep?: boolean
  readonly restoreTest?: boolean
}

interface RestoreWords {
  readonly from?: string
  readonly to?: string
  readonly database?: string
  readonly list?: boolean
  readonly study?: readonly string[]
  readonly series?: readonly string[]
  readonly patient?: readonly string[]
  readonly overwrite?: boolean
}

type Action<Flags> = (flags: Flags & Shared, output: Output) => Promise<ExitCode>

/**
 * Runs the command line and gives the exit code. Commands are loaded when they are called, so that a short one starts
 * fast.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  const wrap =
    <Flags>(action: Action<Flags>) =>
    async (flags: Flags & Shared): Promise<void> => {
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
    const what = helped ? 'No command was given.' : sentences(error.message)
    const command = top.commands.find((one) => one.name() === args[0])
    const help = command === undefined ? 'dicom-backup help' : `dicom-backup ${command.name()} --help`
    return await output.failure(new BackupError('E_CONFIG', what, { advice: `See: ${help}` }))
  }
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((one, all: readonly string[] | undefined) => [...(all ?? []), one])
}

/** Commander's "error: unknown command 'runn'\n(Did you mean run?)" in sentences. */
function sentences(message: string): string {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n')
  return `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, '.')} ${hint.replace(/^\((.*)\)$/, '$1')}`.trimEnd()
}

function program(wrap: <Flags>(action: Action<Flags>) => (flags: Flags & Shared) => Promise<void>): Command {
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

  const command = (name: string, description: string): Command =>
    top.command(name).description(description).option('--json', 'print one JSON object on stdout and nothing else')

  const withConfig = (name: string, description: string): Command =>
    command(name, description).addOption(
      new Option('--config <file>', 'the configuration file').env('DICOM_BACKUP_CONFIG').default('dicom-backup.yaml'),
    )

  withConfig('init', 'write a commented starter configuration; never overwrites one').action(
    wrap(async ({ config }: Shared, output) => (await import('./commands/init.ts')).init(config, output)),
  )

  withConfig('run', 'make one backup now, to every destination; goes on with an interrupted run')
    .option('--dry-run', 'only show what a run would do; writes nothing')
    .addOption(new Option('--fresh', 'abandon an interrupted run instead of going on with it').conflicts(['dryRun']))
    .addOption(repeatable('--destination <name>', 'only to this destination (repeatable)'))
    .option('--accept-shrunk', 'take a source that lost files or tables as it is from now on')
    .action(
      wrap(async (words: RunWords & Shared, output) => {
        const { config, dryRun = false, fresh = false, destination = [], acceptShrunk = false } = words
        const mode = fresh ? 'fresh' : 'run'
        return await (
          await import('./commands/run.ts')
        ).run(config, { mode, dryRun, destination, acceptShrunk }, output)
      }),
    )

  withConfig('resume', 'finish the last interrupted run; does nothing when there is none').action(
    wrap(async ({ config }: Shared, output) => (await import('./commands/resume.ts')).resume(config, output)),
  )

  withConfig('status', 'show how the backups stand: when, where, what failed, what was interrupted').action(
    wrap(async ({ config }: Shared, output) => (await import('./commands/status.ts')).status(config, output)),
  )

  withConfig('verify', 'check that a stored archive is still what was sent; without a name the newest')
    .argument('[archive]', 'the name of the archive')
    .option('--from <destination>', 'only there')
    .option('--deep', 'read every entry and compare it with the manifest')
    .option('--restore-test', 'load the dump into a database that is made for it and dropped again')
    .action((archive: string | undefined, given: VerifyWords & Shared) =>
      wrap(async ({ config, from, deep = false, restoreTest = false }: VerifyWords & Shared, output) => {
        const flags = { archive: archive ?? null, from: from ?? null, deep, restoreTest }
        return await (await import('./commands/verify.ts')).verify(config, flags, output)
      })(given),
    )

  withConfig(
    'restore',
    'bring an archive back: its files, its database, or only some studies; without a name the newest',
  )
    .argument('[archive]', 'the name of the archive')
    .option('--to <folder>', 'restore the files into this folder')
    .option('--database <name>', 'load the dump into this database')
    .option('--list', 'only show the studies in the archive')
    .option('--from <destination>', 'read it from there')
    .addOption(repeatable('--study <uid>', 'only this study (repeatable)'))
    .addOption(repeatable('--series <uid>', 'only this series (repeatable)'))
    .addOption(repeatable('--patient <id>', 'only this patient (repeatable)'))
    .option('--overwrite', 'allow a folder or database that is not empty')
    .action((archive: string | undefined, given: RestoreWords & Shared) =>
      wrap(async (words: RestoreWords & Shared, output) => {
        const { config, list = false, overwrite = false } = words
        const { patient: patients = [], study: studies = [], series = [] } = words
        const flags = {
          archive: archive ?? null,
          from: words.from ?? null,
          to: words.to ?? null,
          database: words.database ?? null,
          list,
          selection: { patients, studies, series },
          overwrite,
        }
        return await (await import('./commands/restore.ts')).restore(config, flags, output)
      })(given),
    )

  withConfig('doctor', 'try everything a run needs, and say what to mend').action(
    wrap(async ({ config }: Shared, output) => (await import('./commands/doctor.ts')).doctor(config, output)),
  )

  command('demo', 'show a backup on a machine with nothing set up: made-up images, a folder, stand-ins for both clouds')
    .option('--folder <folder>', 'where to put it', 'dicom-backup-demo')
    .action(
      wrap(async (flags: { folder: string } & Shared, output) =>
        (await import('./commands/demo.ts')).demo(flags.folder, output),
      ),
    )
  return top
}
