import { withSignIns } from '../accounts/sign-ins.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { SqliteState } from './sqlite-state.ts'
import type { MysqlStateConfig } from './mysql/mysql-state.ts'
import type { State } from './state.ts'

/** Opens the state that the configuration names, and makes what is missing of it. Rejects with E_STATE. */
export async function openState(config: LoadedConfig): Promise<State> {
  if (config.state.driver === 'sqlite') return SqliteState.open(config.state.dir)
  const { MysqlState } = await import('./mysql/mysql-state.ts')
  return await MysqlState.open(withItsDatabase(config))
}

/** Opens the state and makes nothing; null when there is none yet. Rejects with E_STATE. */
export async function openStateToRead(config: LoadedConfig): Promise<State | null> {
  if (config.state.driver === 'sqlite') return SqliteState.openToRead(config.state.dir)
  const { MysqlState } = await import('./mysql/mysql-state.ts')
  return await MysqlState.openToRead(withItsDatabase(config))
}

/**
 * The configuration with what stands in the state: its destinations beside those of the file, its schedule, and the
 * sign-ins that were made with `accounts connect`. Rejects with E_CONFIG when two destinations have the same name: which
 * one is meant could not be told.
 */
export async function configWith(config: LoadedConfig, state: State | null): Promise<LoadedConfig> {
  if (state === null) return withSignIns(config)
  const [schedule, accounts] = [await state.schedule(config.schedule), await state.accounts()]
  mustHaveOwnNames(config, accounts)
  return withSignIns({ ...config, schedule, destinations: [...config.destinations, ...accounts] })
}

function mustHaveOwnNames({ destinations, file }: LoadedConfig, accounts: readonly DestinationConfig[]): void {
  const inFile = new Map(destinations.map(({ name }) => [name.toLowerCase(), name]))
  const twice = accounts.filter(({ name }) => inFile.has(name.toLowerCase())).map(({ name }) => name)
  if (twice.length === 0) return
  throw new BackupError(
    'E_CONFIG',
    `The viewer's accounts (backup_accounts) and ${file} both have a destination named ${twice.join(', ')}.`,
    {
      advice: 'Rename the one in the file, or take it out: the active accounts of the viewer are destinations already.',
    },
  )
}

function withItsDatabase(config: LoadedConfig): MysqlStateConfig {
  const { database } = config
  // The configuration is not loaded without one.
  if (database === null) throw new BackupError('E_CONFIG', 'state.driver mysql needs the section database.')
  return { ...config, database }
}
