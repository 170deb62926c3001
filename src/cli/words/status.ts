import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

export function status({ top, wrap }: Words): void {
  const status = withLevels(
    withConfig(top, 'status', 'show the last and next backup, each destination, and anything that needs attention'),
  ).action(wrap(async ({ config }: Shared, output) => (await import('../commands/status.ts')).status(config, output)))
  examples(status, [
    ['status', 'exit code 3 when something needs attention'],
    ['status --json', 'for a monitoring system'],
  ])
}
