import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

interface StatusFlags {
  readonly check: boolean
  readonly acceptGone: boolean
}

export function status({ top, wrap }: Words): void {
  const status = withLevels(
    withConfig(top, 'status', 'show the last and next backup, each destination, and anything that needs attention'),
  )
    .option('--check', 'list each destination now, to see whether all stored backups are still there')
    .option('--accept-gone', 'with --check: stop reporting the backups that are gone now')
    .action(
      wrap(async ({ config, check = false, acceptGone = false }: Shared & Partial<StatusFlags>, output) => {
        const { status } = await import('../commands/status.ts')
        return await status(config, { check, acceptGone }, output)
      }),
    )
  examples(status, [
    ['status', 'exit code 3 when something needs attention'],
    ['status --check', 'lists the destinations as well: are all stored backups still there?'],
    ['status --json', 'for a monitoring system'],
  ])
}
