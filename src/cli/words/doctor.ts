import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

export function doctor({ top, wrap }: Words): void {
  const doctor = withLevels(withConfig(top, 'doctor', 'check everything a run needs and say how to fix it')).action(
    wrap(async ({ config }: Shared, output) => (await import('../commands/doctor.ts')).doctor(config, output)),
  )
  examples(doctor, [
    ['doctor', 'check everything'],
    ['doctor -c /etc/dicom-backup/clinic.yaml', 'with another configuration'],
  ])
}
