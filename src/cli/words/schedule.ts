import { Option } from 'commander'
import { BackupError } from '../../pipeline/errors.ts'
import type { Interval } from '../../stages/schedule/grid.ts'
import { withConfig, type Shared, type Words } from './words.ts'

const INTERVALS: readonly Interval[] = ['1h', '3h', '6h', '12h', '24h']

interface JobWords {
  readonly print?: boolean
  readonly with?: 'systemd' | 'cron' | 'task-scheduler'
}

export function schedule({ top, wrap }: Words): void {
  const group = top.command('schedule').description('when backups are due, and the hourly job that looks')
  const load = (): Promise<typeof import('../commands/schedule.ts')> => import('../commands/schedule.ts')

  withConfig(group, 'show', 'show the schedule, the next due time and the hourly job', {
    isDefault: true,
  }).action(wrap(async ({ config }: Shared, output) => (await load()).show(config, output)))
  withConfig(group, 'set', 'change how often a backup is made')
    .addOption(new Option('--every <interval>', 'how often').choices(INTERVALS))
    .action(
      wrap(async ({ config, every }: Shared & { every?: Interval }, output) => {
        if (every !== undefined) return await (await load()).set(config, { every }, output)
        throw new BackupError('E_CONFIG', 'It is not said how often.', {
          advice: `Add --every with one of ${INTERVALS.join(', ')}.`,
        })
      }),
    )
  withConfig(group, 'enable', 'turn the schedule on').action(
    wrap(async ({ config }: Shared, output) => (await load()).set(config, { enabled: true }, output)),
  )
  withConfig(group, 'disable', 'turn the schedule off; the hourly job finds nothing to do then').action(
    wrap(async ({ config }: Shared, output) => (await load()).set(config, { enabled: false }, output)),
  )
  withConfig(group, 'install', 'set the hourly job in Windows Task Scheduler, a systemd timer or cron')
    .option('--print', 'only show what would be set')
    .addOption(new Option('--with <scheduler>', 'in this one').choices(['systemd', 'cron', 'task-scheduler']))
    .action(
      wrap(async ({ config, print = false, with: kind }: JobWords & Shared, output) =>
        (await load()).install(config, { print, kind: kind ?? null }, output),
      ),
    )
  withConfig(group, 'uninstall', 'remove the hourly job, and nothing else')
    .option('--print', 'only show what would be removed')
    .action(
      wrap(async ({ config, print = false }: JobWords & Shared, output) =>
        (await load()).uninstall(config, { print }, output),
      ),
    )
}
