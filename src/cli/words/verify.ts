import { withConfig, type Shared, type Words } from './words.ts'

interface VerifyWords {
  readonly from?: string
  readonly deep?: boolean
  readonly restoreTest?: boolean
}

export function verify({ top, wrap }: Words): void {
  withConfig(top, 'verify', 'check that a stored archive is still what was sent; without a name the newest')
    .argument('[archive]', 'the name of the archive')
    .option('--from <destination>', 'only there')
    .option('--deep', 'read every entry and compare it with the manifest')
    .option('--restore-test', 'load the dump into a database that is made for it and dropped again')
    .action((archive: string | undefined, given: VerifyWords & Shared) =>
      wrap(async ({ config, from, deep = false, restoreTest = false }: VerifyWords & Shared, output) => {
        const flags = { archive: archive ?? null, from: from ?? null, deep, restoreTest }
        return await (await import('../commands/verify.ts')).verify(config, flags, output)
      })(given),
    )
}
