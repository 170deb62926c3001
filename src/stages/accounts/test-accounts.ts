import { asBackupError } from '../../pipeline/errors.ts'
import { report } from '../backup/run-result.ts'
import type { AccountTest } from '../backup/results.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { openDestination } from '../destinations/open.ts'

/** Signs in to each destination, all at once; writes nothing. Rejects only with E_ABORTED. */
export async function testAccounts(
  destinations: readonly DestinationConfig[],
  endpoints: Config['endpoints'],
  signal: AbortSignal,
): Promise<AccountTest[]> {
  return await Promise.all(destinations.map((one) => testAccount(one, endpoints, signal)))
}

async function testAccount(
  one: DestinationConfig,
  endpoints: Config['endpoints'],
  signal: AbortSignal,
): Promise<AccountTest> {
  const { name, type } = one
  const destination = openDestination(one, endpoints)
  try {
    const { label, freeBytes } = await destination.signIn(signal)
    return { name, type, ok: true, account: label, freeBytes, error: null }
  } catch (thrown) {
    const error = asBackupError(thrown, signal)
    if (signal.aborted) throw error
    return { name, type, ok: false, account: null, freeBytes: null, error: report(error) }
  } finally {
    await destination.close()
  }
}
