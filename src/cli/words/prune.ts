import { examples, repeatable, withConfig, withLevels, type Shared, type Words } from './words.ts'

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
