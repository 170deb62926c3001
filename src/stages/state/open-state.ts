import { withSignIns } from '../accounts/sign-ins.ts'
import type { LoadedConfig } from '../config/load.ts'
import { SqliteState } from './sqlite-state.ts'
import type { State } from './state.ts'

/** Opens the state that the configuration names, and makes what is missing of it. Rejects with E_STATE. */
export function openState({ state }: LoadedConfig): Promise<State> {
  return Promise.resolve(SqliteState.open(state.dir))
}

/** Opens the state and makes nothing; null when there is none yet. Rejects with E_STATE. */
export function openStateToRead({ state }: LoadedConfig): Promise<State | null> {
  return Promise.resolve(SqliteState.openToRead(state.dir))
}

/**
 * The configuration with what stands in the state: its destinations beside those of the file, its schedule, and the
 * sign-ins that were made with `accounts connect`.
 */
export async function configWith(config: LoadedConfig, state: State | null): Promise<LoadedConfig> {
  if (state === null) return withSignIns(config)
  const [schedule, accounts] = [await state.schedule(config.schedule), await state.accounts()]
  return withSignIns({ ...config, schedule, destinations: [...config.destinations, ...accounts] })
}
