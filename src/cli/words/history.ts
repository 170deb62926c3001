import { InvalidArgumentError, Option } from 'commander'
import { withConfig, type Shared, type Words } from './words.ts'

export function history({ top, wrap }: Words): void {
  withConfig(top, 'history', 'show past runs, newest first')
    .addOption(new Option('--limit <number>', 'so many of them').default(20).argParser(count))
    .action(
      wrap(async ({ config, limit }: Shared & { limit: number }, output) =>
        (await import('../commands/history.ts')).history(config, limit, output),
      ),
    )
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Right would be a whole number from 1 to 999999.')
}
