import { BackupError } from '../pipeline/errors.ts'
import type { Config } from '../stages/config/types.ts'

/** Throws E_CONFIG when a name given with `--destination` is none of the configuration's. */
export function mustBeDestinations({ destinations, file }: Config, names: readonly string[]): void {
  const known = destinations.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  throw new BackupError('E_CONFIG', `--destination: there is no destination named ${unknown.join(', ')} in ${file}.`, {
    advice: `Its destinations are: ${known.join(', ')}.`,
  })
}
