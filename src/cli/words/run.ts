import { Option } from 'commander'
import { examples, repeatable, withConfig, withLevels, type Shared, type Words } from './words.ts'

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
