import { repeatable, withConfig, type Shared, type Words } from './words.ts'

interface RestoreWords {
  readonly from?: string
  readonly to?: string
  readonly database?: string
  readonly list?: boolean
  readonly study?: readonly string[]
  readonly series?: readonly string[]
  readonly patient?: readonly string[]
  readonly overwrite?: boolean
}

export function restore({ top, wrap }: Words): void {
  withConfig(
    top,
    'restore',
    'bring an archive back: its files, its database, or only some studies; without a name the newest',
  )
    .argument('[archive]', 'the name of the archive')
    .option('--to <folder>', 'restore the files into this folder')
    .option('--database <name>', 'load the dump into this database')
    .option('--list', 'only show the studies in the archive')
    .option('--from <destination>', 'read it from there')
    .addOption(repeatable('--study <uid>', 'only this study (repeatable)'))
    .addOption(repeatable('--series <uid>', 'only this series (repeatable)'))
    .addOption(repeatable('--patient <id>', 'only this patient (repeatable)'))
    .option('--overwrite', 'allow a folder or database that is not empty')
    .action((archive: string | undefined, given: RestoreWords & Shared) =>
      wrap(async (words: RestoreWords & Shared, output) => {
        const { config, list = false, overwrite = false } = words
        const { patient: patients = [], study: studies = [], series = [] } = words
        const flags = {
          archive: archive ?? null,
          from: words.from ?? null,
          to: words.to ?? null,
          database: words.database ?? null,
          list,
          selection: { patients, studies, series },
          overwrite,
        }
        return await (await import('../commands/restore.ts')).restore(config, flags, output)
      })(given),
    )
}
