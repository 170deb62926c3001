/** The words of what makes backups and says what was made. */
import { InvalidArgumentError, Option } from 'commander'
import { CONFIG_NAME } from '../../stages/config/places.ts'
import { command, examples, repeatable, type Shared, withConfig, withLevels, type Words } from './words.ts'

export function init({ top, wrap }: Words): void {
  const init = command(top, 'init', 'write a commented starter configuration; never overwrites a file')
    .addOption(new Option('-c, --config <file>', 'the file to write').env('DICOM_BACKUP_CONFIG').default(CONFIG_NAME))
    .action(wrap(async ({ config }: Shared, output) => (await import('../commands/init.ts')).init(config, output)))
  examples(init, [
    ['init', 'write dicom-backup.yaml here'],
    ['init -c /etc/dicom-backup/dicom-backup.yaml', 'for the whole machine'],
  ])
}

interface RunWords {
  readonly ifDue?: boolean
  readonly dryRun?: boolean
  readonly fresh?: boolean
  readonly destination?: readonly string[]
  readonly acceptShrunk?: boolean
}

export function run({ top, wrap }: Words): void {
  const run = withLevels(
    withConfig(top, 'run', 'make one backup now, to every destination; resumes an interrupted run'),
  )
    .addOption(
      new Option('--if-due', 'only if the schedule says so; the hourly job calls this').conflicts([
        'dryRun',
        'fresh',
        'acceptShrunk',
        'destination',
      ]),
    )
    .option('-n, --dry-run', 'show what a run would do; write nothing')
    .addOption(new Option('--fresh', 'abandon an interrupted run instead of resuming it').conflicts(['dryRun']))
    .addOption(repeatable('--destination <name>', 'back up to this destination only (repeatable)'))
    .option('--accept-shrunk', 'accept that the source lost files or tables, and compare with it from now on')
    .action(
      wrap(async (words: RunWords & Shared, output) => {
        const { config, ifDue = false, dryRun = false, fresh = false, destination = [], acceptShrunk = false } = words
        if (ifDue) return await (await import('../commands/run-if-due.ts')).runIfDue(config, output)
        const mode = fresh ? 'fresh' : 'run'
        return await (
          await import('../commands/run.ts')
        ).run(config, { mode, dryRun, destination, acceptShrunk }, output)
      }),
    )
  examples(run, [
    ['run --dry-run', 'what would be backed up, and whether it fits'],
    ['run', 'back up now, or resume the interrupted run'],
    ['run --destination nas', 'back up to one destination only'],
  ])
}

export function resume({ top, wrap }: Words): void {
  const resume = withLevels(withConfig(top, 'resume', 'finish the last interrupted run, if there is one')).action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/resume.ts')).resume(config, output)),
  )
  examples(resume, [
    ['resume', 'finish the interrupted run'],
    ['resume --verbose', 'and print each step'],
  ])
}

interface StatusFlags {
  readonly check: boolean
  readonly acceptGone: boolean
}

export function status({ top, wrap }: Words): void {
  const status = withLevels(
    withConfig(top, 'status', 'show the last and next backup, each destination, and anything that needs attention'),
  )
    .option('--check', 'list each destination now, to see whether all stored backups are still there')
    .option('--accept-gone', 'with --check: stop reporting the backups that are gone now')
    .action(
      wrap(async ({ config, check = false, acceptGone = false }: Shared & Partial<StatusFlags>, output) => {
        const { status } = await import('../commands/status.ts')
        return await status(config, { check, acceptGone }, output)
      }),
    )
  examples(status, [
    ['status', 'exit code 3 when something needs attention'],
    ['status --check', 'lists the destinations as well: are all stored backups still there?'],
    ['status --json', 'for a monitoring system'],
  ])
}

export function archives({ top, wrap }: Words): void {
  const archives = withConfig(top, 'archives', 'list the backups at the destinations, newest first')
    .option('--from <destination>', 'only there')
    .action(
      wrap(async ({ config, from }: Shared & { from?: string }, output) =>
        (await import('../commands/archives.ts')).archives(config, from ?? null, output),
      ),
    )
  examples(archives, [
    ['archives', 'all backups, where they are and when they were verified'],
    ['archives --from nas', 'those at the destination nas'],
  ])
}

export function history({ top, wrap }: Words): void {
  const history = withConfig(top, 'history', 'list past runs, newest first')
    .addOption(new Option('--limit <number>', 'show at most this many runs').default(20).argParser(count))
    .action(
      wrap(async ({ config, limit }: Shared & { limit: number }, output) =>
        (await import('../commands/history.ts')).history(config, limit, output),
      ),
    )
  examples(history, [
    ['history', 'the last 20 runs'],
    ['history --limit 100 --json', 'the last 100, for a program'],
  ])
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999.')
}
