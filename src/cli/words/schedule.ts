import { Option } from 'commander'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { Interval } from '../../stages/contract/grid.ts'
import { examples, withConfig, type Shared, type Words } from './words.ts'

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
