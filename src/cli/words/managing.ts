/** The words of what is set up once, or seldom changed. */
import { InvalidArgumentError, Option } from 'commander'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { Interval } from '../../stages/contract/grid.ts'
import { command, examples, repeatable, type Shared, withConfig, withLevels, type Words } from './words.ts'

interface ConnectWords {
  readonly browser: boolean
  readonly port?: number
  readonly appKey?: string
}

export function accounts({ top, wrap }: Words): void {
  const group = top.command('accounts').description('list, test and sign in to the destinations')
  const load = (): Promise<typeof import('../commands/accounts.ts')> => import('../commands/accounts.ts')

  withConfig(group, 'list', 'list the destinations, how each is signed in and its last backup', {
    isDefault: true,
  }).action(wrap(async ({ config }: Shared, output) => (await load()).list(config, output)))

  withLevels(withConfig(group, 'test', 'sign in to each destination; show the account and its free space'))
    .argument('[names...]', 'only these destinations')
    .action((names: readonly string[], given: Shared) =>
      wrap(async ({ config }: Shared, output) => (await load()).test(config, names, output))(given),
    )

  withConfig(group, 'connect', 'sign in to Dropbox or Google in the browser and store the sign-in')
    .argument('<name>', 'the destination')
    .option('--no-browser', 'print the address and read the code you paste, for a machine without a browser')
    .addOption(new Option('--port <number>', 'the port of the redirect address, if not the usual one').argParser(port))
    .addOption(
      new Option('--app-key <key>', 'the App key of your Dropbox app, if the configuration has none').argParser(
        appKeyOf,
      ),
    )
    .action((name: string, given: ConnectWords & Shared) =>
      wrap(async (words: ConnectWords & Shared, output) => {
        const { config, browser, port: number = null, appKey = null } = words
        return await (await load()).connect(config, name, { browser, port: number, appKey }, output)
      })(given),
    )

  withConfig(group, 'disconnect', 'delete the sign-in that connect stored')
    .argument('<name>', 'the destination')
    .action((name: string, given: Shared) =>
      wrap(async ({ config }: Shared, output) => (await load()).disconnect(config, name, output))(given),
    )

  examples(group, [
    ['accounts', 'list the destinations'],
    ['accounts connect hospital-drive', 'sign in to it in the browser'],
    ['accounts test hospital-drive', 'check that it can be used'],
  ])
}

function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 65_535) return number
  throw new InvalidArgumentError('Expected a number from 1 to 65535.')
}

function appKeyOf(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('Expected the letters and digits that the Dropbox App Console shows as App key.')
}

const INTERVALS: readonly Interval[] = ['1h', '3h', '6h', '12h', '24h']

interface JobWords {
  readonly print?: boolean
  readonly with?: 'systemd' | 'cron' | 'task-scheduler'
}

export function schedule({ top, wrap }: Words): void {
  const group = top.command('schedule').description('when backups are due, and the hourly job that makes them')
  const load = (): Promise<typeof import('../commands/schedule.ts')> => import('../commands/schedule.ts')

  withConfig(group, 'show', 'show the schedule, the next due time and the hourly job', {
    isDefault: true,
  }).action(wrap(async ({ config }: Shared, output) => (await load()).show(config, output)))
  withConfig(group, 'set', 'set how often a backup is made')
    .addOption(new Option('--every <interval>', 'how often').choices(INTERVALS))
    .action(
      wrap(async ({ config, every }: Shared & { every?: Interval }, output) => {
        if (every !== undefined) return await (await load()).set(config, { every }, output)
        throw new BackupError('E_CONFIG', 'No interval given.', {
          advice: `Add --every with one of ${INTERVALS.join(', ')}.`,
        })
      }),
    )
  withConfig(group, 'enable', 'turn the schedule on').action(
    wrap(async ({ config }: Shared, output) => (await load()).set(config, { enabled: true }, output)),
  )
  withConfig(group, 'disable', 'turn the schedule off; the hourly job then does nothing').action(
    wrap(async ({ config }: Shared, output) => (await load()).set(config, { enabled: false }, output)),
  )
  withConfig(group, 'install', 'install the hourly job: Windows Task Scheduler, a systemd timer or cron')
    .option('--print', 'print what would be installed; install nothing')
    .addOption(new Option('--with <scheduler>', 'use this scheduler').choices(['systemd', 'cron', 'task-scheduler']))
    .action(
      wrap(async ({ config, print = false, with: kind }: JobWords & Shared, output) =>
        (await load()).install(config, { print, kind: kind ?? null }, output),
      ),
    )
  withConfig(group, 'uninstall', 'remove the hourly job and nothing else')
    .option('--print', 'print what would be removed; remove nothing')
    .action(
      wrap(async ({ config, print = false }: JobWords & Shared, output) =>
        (await load()).uninstall(config, { print }, output),
      ),
    )
  examples(group, [
    ['schedule', 'show the schedule and the next due time'],
    ['schedule set --every 6h', 'make a backup every 6 hours'],
    ['schedule install', 'install the hourly job'],
  ])
}

interface PruneWords {
  readonly dryRun?: boolean
  readonly destination?: readonly string[]
}

export function prune({ top, wrap }: Words): void {
  const prune = withLevels(
    withConfig(top, 'prune', 'delete archives past retention at every destination; each run does so by itself'),
  )
    .option('-n, --dry-run', 'show what would be deleted; delete nothing')
    .addOption(repeatable('--destination <name>', 'only at this destination (repeatable)'))
    .action(
      wrap(async ({ config, dryRun = false, destination = [] }: PruneWords & Shared, output) =>
        (await import('../commands/prune.ts')).prune(config, { dryRun, destination }, output),
      ),
    )
  examples(prune, [
    ['prune --dry-run', 'show what would be deleted, and why'],
    ['prune --destination nas', 'delete at one destination only'],
  ])
}

export function doctor({ top, wrap }: Words): void {
  const doctor = withLevels(withConfig(top, 'doctor', 'check everything a run needs and say how to fix it')).action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/doctor.ts')).doctor(config, output)),
  )
  examples(doctor, [
    ['doctor', 'check everything'],
    ['doctor -c /etc/dicom-backup/clinic.yaml', 'with another configuration'],
  ])
}

export function demo({ top, wrap }: Words): void {
  const demonstrate = command(
    top,
    'demo',
    'run a backup with nothing set up: generated images, a folder, local stand-ins for both clouds',
  )
    .option('--folder <folder>', 'the folder to work in', 'dicom-backup-demo')
    .action(
      wrap(async (flags: { folder: string } & Shared, output) =>
        (await import('../commands/demo.ts')).demo(flags.folder, output),
      ),
    )
  examples(demonstrate, [
    ['demo', 'in ./dicom-backup-demo'],
    ['demo --folder /tmp/demo', 'in another folder'],
  ])
}
