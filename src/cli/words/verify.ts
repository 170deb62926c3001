import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

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
