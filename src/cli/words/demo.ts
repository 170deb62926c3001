import { command, examples, type Shared, type Words } from './words.ts'

export function demo({ top, wrap }: Words): void {
  const demonstrate = command(
    top,
    'demo',
    'run a backup with nothing set up: generated images, a folder, local stand-ins for both clouds',
  )
    .option('--folder <folder>', 'the folder to work in', 'dicom-backup-demo')
    .action(
      wrap(async (flags: { folder: string } & Shared, output) =>
        (await import('../commands/demo.ts')).demo(flags.folder, output),
      ),
    )
  examples(demonstrate, [
    ['demo', 'in ./dicom-backup-demo'],
    ['demo --folder /tmp/demo', 'in another folder'],
  ])
}
