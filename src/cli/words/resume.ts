import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

export function resume({ top, wrap }: Words): void {
  const resume = withLevels(withConfig(top, 'resume', 'finish the last interrupted run, if there is one')).action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/resume.ts')).resume(config, output)),
  )
  examples(resume, [
    ['resume', 'finish the interrupted run'],
    ['resume --verbose', 'and print each step'],
  ])
}
