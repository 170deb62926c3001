import { withConfig, type Shared, type Words } from './words.ts'

export function doctor({ top, wrap }: Words): void {
  withConfig(top, 'doctor', 'try everything a run needs, and say what to mend').action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/doctor.ts')).doctor(config, output)),
  )
}
