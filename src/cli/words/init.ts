import { withConfig, type Shared, type Words } from './words.ts'

export function init({ top, wrap }: Words): void {
  withConfig(top, 'init', 'write a commented starter configuration; never overwrites one').action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/init.ts')).init(config, output)),
  )
}
