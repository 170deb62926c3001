import { createInterface } from 'node:readline'
import { abortError, BackupError } from '../../pipeline/contract/errors.ts'
import { connectAccount } from '../../stages/accounts/connect.ts'
import { forgetSignIn, signInIn } from '../../stages/accounts/sign-ins.ts'
import { testAccounts } from '../../stages/accounts/test-accounts.ts'
import type { AccountsResult } from '../../stages/contract/results.ts'
import type { Config, DestinationConfig } from '../../stages/config/types.ts'
import { kindOf } from '../../stages/destinations/kinds.ts'
import { withPlaceFaults } from '../../stages/destinations/places.ts'
import { openStateToRead } from '../../stages/state/open-state.ts'
import { readStatus } from '../../stages/status/status.ts'
import { accountsSummary, accountTestSummary, addressText, connectedSummary } from '../display/accounts-summary.ts'
import { styleOf } from '../display/style.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import { browserFor, openBrowser } from '../open-browser.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'
import { configToUse, withStateIfAny, withStateToRead } from '../command-context.ts'
import { streams, write } from '../streams.ts'

/** `accounts`: the destinations. Asks none of them. */
export async function list(configFile: string, output: Output): Promise<ExitCode> {
  return await withStateToRead(configFile, async ({ config, state }) => {
    const { accounts } = (await readStatus(config, state, new Date())).result
    const result: AccountsResult = {
      accounts: accounts.map((account) => {
        const one = config.destinations.find(({ name }) => name === account.name)
        return {
          ...account,
          folder: one?.folder ?? '',
          signedInBy: one === undefined ? '' : signedInBy(one, config.state.dir),
        }
      }),
    }
    await output.result(result, (style) => accountsSummary(result, style))
    return EXIT.done
  })
}

/** `connected`: by `accounts connect`. */
function signedInBy(one: DestinationConfig, stateFolder: string): string {
  if (signInIn(one, stateFolder) !== null) return 'connected'
  return kindOf(one)?.signIn?.by(one) ?? ''
}

/** `accounts test`: exit 0 all are well, 3 some, 1 none. */
export async function test(configFile: string, names: readonly string[], output: Output): Promise<ExitCode> {
  return await withStateIfAny(configFile, openStateToRead, async ({ config }) => {
    const wanted = names.length === 0 ? config.destinations : [...new Set(names)].map((name) => named(config, name))
    const stop = stopSignals('Start it again when you are ready.')
    try {
      const placed = await withPlaceFaults(config, { signal: stop.signal, note: false })
      const tried = placed.destinations.filter(({ name }) => wanted.some((one) => one.name === name))
      const accounts = await stop.ends(testAccounts(tried, config.endpoints, stop.signal))
      const well = accounts.filter(({ ok }) => ok).length
      const result = { ok: well === accounts.length, accounts }
      await output.result(result, (style) => accountTestSummary(accounts, style))
      if (result.ok) return EXIT.done
      return well === 0 ? EXIT.failed : EXIT.lookAtIt
    } finally {
      stop.dispose()
    }
  })
}

export interface ConnectFlags {
  /** False: by hand. Without a browser on this machine it is by hand, too, unless a port is named for one elsewhere. */
  readonly browser: boolean
  readonly port: number | null
  readonly appKey: string | null
}

/** `accounts connect`: what a person is told goes to stderr, the result to stdout. */
export async function connect(
  configFile: string,
  name: string,
  { browser, port, appKey }: ConnectFlags,
  output: Output,
): Promise<ExitCode> {
  const config = await asConfigured(configFile)
  const hasBrowser = browserFor(process.platform, process.env).length > 0
  const loopback = browser && (hasBrowser || port !== null)
  const stop = stopSignals('Start it again when you are ready.')
  try {
    const { type, account, lapsesAt, connectedAt } = await connectAccount(config, named(config, name), {
      clientId: appKey,
      port,
      loopback,
      onAddress: (shown) => {
        void write('stderr', addressText(shown, styleOf(streams.stderr)))
        if (loopback) openBrowser(shown.address)
      },
      paste: nextLine,
      signal: stop.signal,
    })
    const result = { name, type, account, connectedAt, lapsesAt }
    await output.result(result, (style) => connectedSummary(result, style))
    return EXIT.done
  } finally {
    stop.dispose()
  }
}

/** `accounts disconnect`. */
export async function disconnect(configFile: string, name: string, output: Output): Promise<ExitCode> {
  const config = await asConfigured(configFile)
  // One of a destination that the configuration has no more is forgotten too.
  const forgotten = await forgetSignIn(config.state.dir, name)
  if (!forgotten) named(config, name)
  const text = forgotten
    ? `The sign-in of ${name} was deleted. You can also revoke the app in the account's own settings.\n`
    : `There is no sign-in of ${name} from "accounts connect".\n`
  await output.result({ name, forgotten }, () => text)
  return EXIT.done
}

/** With the state's accounts, and without the sign-ins in the place of what is written. */
async function asConfigured(configFile: string): Promise<Config> {
  const config = await configToUse(configFile)
  const state = await openStateToRead(config)
  try {
    return { ...config, destinations: [...config.destinations, ...((await state?.accounts()) ?? [])] }
  } finally {
    await state?.close()
  }
}

function named({ destinations, file }: Config, name: string): DestinationConfig {
  const found = destinations.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new BackupError('E_CONFIG', `There is no destination named ${name} in ${file}.`, {
    advice: `Its destinations are: ${destinations.map((one) => one.name).join(', ')}.`,
  })
}

/** The next line of stdin, on a terminal or not; empty when it ends before one. */
async function nextLine(signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  try {
    if (signal.aborted) throw abortError(signal)
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => {
        resolve('')
      })
      signal.addEventListener(
        'abort',
        () => {
          reject(abortError(signal))
        },
        { once: true },
      )
    })
  } finally {
    lines.close()
  }
}
