import { Option } from 'commander'
import { repeatable, withConfig, type Shared, type Words } from './words.ts'

interface RunWords {
  readonly ifDue?: boolean
  readonly dryRun?: boolean
  readonly fresh?: boolean
  readonly destination?: readonly string[]
  readonly acceptShrunk?: boolean
}

export function run({ top, wrap }: Words): void {
  withConfig(top, 'run', 'make one backup now, to every destination; goes on with an interrupted run')
    .addOption(
      new Option('--if-due', 'only when the schedule says so: what the task scheduler calls every hour').conflicts([
        'dryRun',
        'fresh',
        'acceptShrunk',
        'destination',
      ]),
    )
    .option('--dry-run', 'only show what a run would do; writes nothing')
    .addOption(new Option('--fresh', 'abandon an interrupted run instead of going on with it').conflicts(['dryRun']))
    .addOption(repeatable('--destination <name>', 'only to this destination (repeatable)'))
    .option('--accept-shrunk', 'take a source that lost files or tables as it is from now on')
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
}
