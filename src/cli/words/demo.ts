import { command, type Shared, type Words } from './words.ts'

export function demo({ top, wrap }: Words): void {
  command(
    top,
    'demo',
    'show a backup on a machine with nothing set up: made-up images, a folder, stand-ins for both clouds',
  )
    .option('--folder <folder>', 'where to put it', 'dicom-backup-demo')
    .action(
      wrap(async (flags: { folder: string } & Shared, output) =>
        (await import('../commands/demo.ts')).demo(flags.folder, output),
      ),
    )
}
