import { repeatable, withConfig, type Shared, type Words } from './words.ts'

interface PruneWords {
  readonly dryRun?: boolean
  readonly destination?: readonly string[]
}

export function prune({ top, wrap }: Words): void {
  withConfig(top, 'prune', 'delete archives past retention at every destination; a run does it by itself')
    .option('--dry-run', 'only show what would go; deletes nothing')
    .addOption(repeatable('--destination <name>', 'only at this destination (repeatable)'))
    .action(
      wrap(async ({ config, dryRun = false, destination = [] }: PruneWords & Shared, output) =>
        (await import('../commands/prune.ts')).prune(config, { dryRun, destination }, output),
      ),
    )
}
