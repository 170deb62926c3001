import { InvalidArgumentError, Option } from 'commander'
import { examples, withConfig, withLevels, type Shared, type Words } from './words.ts'

interface ConnectWords {
  readonly browser: boolean
  readonly port?: number
  readonly appKey?: string
}

export function accounts({ top, wrap }: Words): void {
  const group = top.command('accounts').description('list, test and sign in to the destinations')
  const load = (): Promise<typeof import('../commands/accounts.ts')> => import('../commands/accounts.ts')

  withConfig(group, 'list', 'list the destinations, how each is signed in and its last backup', {
    isDefault: true,
  }).action(wrap(async ({ config }: Shared, output) => (await load()).list(config, output)))

  withLevels(withConfig(group, 'test', 'sign in to each destination; show the account and its free space'))
    .argument('[names...]', 'only these destinations')
    .action((names: readonly string[], given: Shared) =>
      wrap(async ({ config }: Shared, output) => (await load()).test(config, names, output))(given),
    )

  withConfig(group, 'connect', 'sign in to Dropbox or Google in the browser and store the sign-in')
    .argument('<name>', 'the destination')
    .option('--no-browser', 'print the address and read the code you paste, for a machine without a browser')
    .addOption(new Option('--port <number>', 'the port of the redirect address, if not the usual one').argParser(port))
    .addOption(
      new Option('--app-key <key>', 'the App key of your Dropbox app, if the configuration has none').argParser(
        appKeyOf,
      ),
    )
    .action((name: string, given: ConnectWords & Shared) =>
      wrap(async (words: ConnectWords & Shared, output) => {
        const { config, browser, port: number = null, appKey = null } = words
        return await (await load()).connect(config, name, { browser, port: number, appKey }, output)
      })(given),
    )

  withConfig(group, 'disconnect', 'delete the sign-in that connect stored')
    .argument('<name>', 'the destination')
    .action((name: string, given: Shared) =>
      wrap(async ({ config }: Shared, output) => (await load()).disconnect(config, name, output))(given),
    )

  examples(group, [
    ['accounts', 'list the destinations'],
    ['accounts connect hospital-drive', 'sign in to it in the browser'],
    ['accounts test hospital-drive', 'check that it can be used'],
  ])
}

function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 65_535) return number
  throw new InvalidArgumentError('Expected a number from 1 to 65535.')
}

function appKeyOf(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('Expected the letters and digits that the Dropbox App Console shows as App key.')
}
