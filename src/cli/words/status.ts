import { withConfig, type Shared, type Words } from './words.ts'

export function status({ top, wrap }: Words): void {
  withConfig(top, 'status', 'show how the backups stand: when, where, what failed, what was interrupted').action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/status.ts')).status(config, output)),
  )
}
