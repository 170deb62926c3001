import { asBackupError, type BackupError } from '../pipeline/contract/errors.ts'
import { NewerFormatError } from '../pipeline/files/format-version.ts'
import { withSignIns } from '../stages/accounts/sign-ins.ts'
import { refuseNewerState } from '../stages/backup/newer-state.ts'
import { loadConfig, type LoadedConfig } from '../stages/config/load.ts'
import { configWith, openState, openStateToRead } from '../stages/state/open-state.ts'
import type { State } from '../stages/state/state.ts'
import { write } from './streams.ts'

/** What a command works with: the configuration, with the accounts and the schedule that stand in the state. */
export interface CommandContext<S> {
  readonly config: LoadedConfig
  readonly state: S
}

/**
 * The configuration, once it is known that its state folder is not one of a newer version of this program. Rejects with
 * E_CONFIG and NewerFormatError.
 */
export async function configToUse(configFile: string): Promise<LoadedConfig> {
  const config = loadConfig(configFile)
  await refuseNewerState(config.state.dir)
  return config
}

/** For commands that write to the state. Rejects with E_CONFIG, or with E_STATE when the state cannot be used. */
export async function withState<T>(configFile: string, work: (place: CommandContext<State>) => Promise<T>): Promise<T> {
  const config = await configToUse(configFile)
  const state = await openState(config)
  for (const text of state.replaced) void write('stderr', `${text}\n`)
  try {
    return await work({ config: await configWith(config, state), state })
  } finally {
    await state.close()
  }
}

/** For commands that only look at the state, and make nothing; null when there is none yet. Rejects likewise. */
export async function withStateToRead<T>(
  configFile: string,
  work: (place: CommandContext<State | null>) => Promise<T>,
): Promise<T> {
  const config = await configToUse(configFile)
  const state = await openStateToRead(config)
  try {
    return await work({ config: await configWith(config, state), state })
  } finally {
    await state?.close()
  }
}

/**
 * For commands that have to work when the state is lost with its machine: then `state` is null, the configuration file
 * alone is what there is, and `lost` says why. `open`: openState or openStateToRead. Rejects with E_CONFIG, and with the
 * state's E_STATE when the file names no destination.
 */
export async function withStateIfAny<T>(
  configFile: string,
  open: (config: LoadedConfig) => Promise<State | null>,
  work: (place: CommandContext<State | null> & { readonly lost: BackupError | null }) => Promise<T>,
): Promise<T> {
  const config = await configToUse(configFile)
  let state: State | null = null
  try {
    let place: Parameters<typeof work>[0]
    try {
      state = await open(config)
      place = { config: await configWith(config, state), state, lost: null }
    } catch (error) {
      const lost = asBackupError(error)
      const isLost = lost.code === 'E_STATE' && !(lost instanceof NewerFormatError)
      if (!isLost || config.destinations.length === 0) throw lost
      // Sign-ins are files of their own.
      place = { config: withSignIns(config), state: null, lost }
    }
    return await work(place)
  } finally {
    await state?.close()
  }
}
