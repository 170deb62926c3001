import { Option } from 'commander'
import { repeatable, withConfig, type Shared, type Words } from './words.ts'

interface RunWords {
  readonly dryRun?: boolean
  readonly fresh?: boolean
  readonly destination?: readonly string[]
  readonly acceptShrunk?: boolean
}

export function run({ top, wrap }: Words): void {
  withConfig(top, 'run', 'make one backup now, to every destination; goes on with an interrupted run')
    .option('--dry-run', 'only show what a run would do; writes nothing')
    .addOption(new Option('--fresh', 'abandon an interrupted run instead of going on with it').conflicts(['dryRun']))
    .addOption(repeatable('--destination <name>', 'only to this destination (repeatable)'))
    .option('--accept-shrunk', 'take a source that lost files or tables as it is from now on')
    .action(
      wrap(async (words: RunWords & Shared, output) => {
        const { config, dryRun = false, fresh = false, destination = [], acceptShrunk = false } = words
        const mode = fresh ? 'fresh' : 'run'
        return await (
          await import('../commands/run.ts')
        ).run(config, { mode, dryRun, destination, acceptShrunk }, output)
      }),
    )
}
