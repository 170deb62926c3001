import { withConfig, type Shared, type Words } from './words.ts'

export function archives({ top, wrap }: Words): void {
  withConfig(top, 'archives', 'show the backups at the destinations, newest first')
    .option('--from <destination>', 'only there')
    .action(
      wrap(async ({ config, from }: Shared & { from?: string }, output) =>
        (await import('../commands/archives.ts')).archives(config, from ?? null, output),
      ),
    )
}
