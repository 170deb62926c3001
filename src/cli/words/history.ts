import { InvalidArgumentError, Option } from 'commander'
import { examples, withConfig, type Shared, type Words } from './words.ts'

export function history({ top, wrap }: Words): void {
  const history = withConfig(top, 'history', 'list past runs, newest first')
    .addOption(new Option('--limit <number>', 'show at most this many runs').default(20).argParser(count))
    .action(
      wrap(async ({ config, limit }: Shared & { limit: number }, output) =>
        (await import('../commands/history.ts')).history(config, limit, output),
      ),
    )
  examples(history, [
    ['history', 'the last 20 runs'],
    ['history --limit 100 --json', 'the last 100, for a program'],
  ])
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999.')
}
