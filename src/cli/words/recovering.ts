/** The words of the way back. */
import { examples, repeatable, type Shared, withConfig, withLevels, type Words } from './words.ts'

interface VerifyWords {
  readonly from?: string
  readonly deep?: boolean
  readonly restoreTest?: boolean
}

export function verify({ top, wrap }: Words): void {
  const verify = withLevels(withConfig(top, 'verify', 'check that a stored archive is intact'))
    .argument('[archive]', 'the name of the archive; default: the newest')
    .option('--from <destination>', 'check the copy at this destination only')
    .option('--deep', 'download the archive and compare every entry with the manifest')
    .option('--restore-test', 'load the dump into a temporary database, then drop it')
    .action((archive: string | undefined, given: VerifyWords & Shared) =>
      wrap(async ({ config, from, deep = false, restoreTest = false }: VerifyWords & Shared, output) => {
        const flags = { archive: archive ?? null, from: from ?? null, deep, restoreTest }
        return await (await import('../commands/verify.ts')).verify(config, flags, output)
      })(given),
    )
  examples(verify, [
    ['verify', "compare each service's own hash; no download"],
    ['verify --deep --from nas', 'read every entry of the copy at nas'],
    ['verify --restore-test', 'load the dump into a temporary database'],
  ])
}

interface RestoreWords {
  readonly from?: string
  readonly to?: string
  readonly database?: string
  readonly list?: boolean
  readonly study?: readonly string[]
  readonly series?: readonly string[]
  readonly patient?: readonly string[]
  readonly overwrite?: boolean
  readonly owner?: boolean
}

export function restore({ top, wrap }: Words): void {
  const restore = withLevels(
    withConfig(top, 'restore', 'restore files, the database, or single studies from an archive'),
  )
    .argument('[archive]', 'the name of the archive; default: the newest')
    .option('--to <folder>', 'restore the files into this folder')
    .option('--database <name>', 'load the dump into this database')
    .option('--list', 'list the studies in the archive; restore nothing')
    .option('--from <destination>', 'read the archive from this destination')
    .addOption(repeatable('--study <uid>', 'only this study (repeatable)'))
    .addOption(repeatable('--series <uid>', 'only this series (repeatable)'))
    .addOption(repeatable('--patient <id>', 'only this patient (repeatable)'))
    .option('--overwrite', 'allow a folder or database that is not empty')
    .option('--owner', 'give files their owner, group and mode back (Linux, macOS; as root)')
    .action((archive: string | undefined, given: RestoreWords & Shared) =>
      wrap(async (words: RestoreWords & Shared, output) => {
        const { config, list = false, overwrite = false, owner = false } = words
        const { patient: patients = [], study: studies = [], series = [] } = words
        const flags = {
          archive: archive ?? null,
          from: words.from ?? null,
          to: words.to ?? null,
          database: words.database ?? null,
          list,
          selection: { patients, studies, series },
          overwrite,
          owner,
        }
        return await (await import('../commands/restore.ts')).restore(config, flags, output)
      })(given),
    )
  examples(restore, [
    ['restore --list', 'list its studies'],
    ['restore --to /srv/restored --database viewer', 'restore everything'],
    ['restore --study 1.2.840.1 --to /srv/restored', 'restore one study'],
  ])
}
