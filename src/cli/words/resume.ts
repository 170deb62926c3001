import { withConfig, type Shared, type Words } from './words.ts'

export function resume({ top, wrap }: Words): void {
  withConfig(top, 'resume', 'finish the last interrupted run; does nothing when there is none').action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/resume.ts')).resume(config, output)),
  )
}
