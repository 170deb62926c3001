import { Option } from 'commander'
import { CONFIG_NAME } from '../../stages/config/places.ts'
import { command, examples, type Shared, type Words } from './words.ts'

export function init({ top, wrap }: Words): void {
  const init = command(top, 'init', 'write a commented starter configuration; never overwrites a file')
    .addOption(new Option('-c, --config <file>', 'the file to write').env('DICOM_BACKUP_CONFIG').default(CONFIG_NAME))
    .action(wrap(async ({ config }: Shared, output) => (await import('../commands/init.ts')).init(config, output)))
  examples(init, [
    ['init', 'write dicom-backup.yaml here'],
    ['init -c /etc/dicom-backup/dicom-backup.yaml', 'for the whole machine'],
  ])
}
