import { examples, withConfig, type Shared, type Words } from './words.ts'

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
