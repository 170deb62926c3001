import type { LoadedConfig } from '../config/load.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { inspectState } from '../state/mysql/inspect.ts'
import { configWith, openStateToRead } from '../state/open-state.ts'
import type { Finding } from './finding.ts'

/** The state in the viewer's tables: whether it can be written, and what it adds to the configuration. */
export async function stateTables(
  config: LoadedConfig,
  database: DatabaseConfig,
): Promise<{ readonly finding: Finding; readonly config: LoadedConfig }> {
  const { missingTables, missingPrivileges, grant } = await inspectState(database)
  const found = missingPrivileges.includes('SELECT') ? config : await withAccounts(config)
  const accounts = found.destinations.length - config.destinations.length
  const detail = [
    `${database.name}: ${accounts === 1 ? '1 active account' : `${accounts} active accounts`}`,
    ...(missingTables.length === 0 ? [] : [`the first run makes ${missingTables.join(', ')}`]),
  ].join('; ')
  if (missingPrivileges.length > 0) {
    const finding = {
      ok: false,
      detail: `${detail}; the user ${database.user} is missing ${missingPrivileges.join(', ')}`,
      remedy: `As an administrator of the database: ${grant}`,
    }
    return { finding, config: found }
  }
  if (found.destinations.length === 0) {
    const remedy = 'Activate an account in the viewer, or add a destination to the configuration.'
    return {
      finding: { ok: false, detail: `${detail}, and no destination in the configuration`, remedy },
      config: found,
    }
  }
  return { finding: { ok: true, detail }, config: found }
}

async function withAccounts(config: LoadedConfig): Promise<LoadedConfig> {
  const state = await openStateToRead(config)
  try {
    return await configWith(config, state)
  } finally {
    await state?.close()
  }
}
