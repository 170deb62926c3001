import { BackupError } from '../pipeline/contract/errors.ts'
import type { Config } from '../stages/config/types.ts'

/** Throws E_CONFIG when there is no destination, or none of one of these names, given with `--destination`. */
export function mustBeDestinations({ destinations, file }: Config, names: readonly string[]): void {
  const known = destinations.map(({ name }) => name)
  if (known.length === 0) {
    throw new BackupError(
      'E_CONFIG',
      `There is no destination: ${file} has none, and the viewer has no active account (backup_accounts).`,
      { advice: 'Activate an account in the viewer, or add a destination to the configuration.' },
    )
  }
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  throw new BackupError('E_CONFIG', `--destination: there is no destination named ${unknown.join(', ')} in ${file}.`, {
    advice: `Its destinations are: ${known.join(', ')}.`,
  })
}
