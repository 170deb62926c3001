import { asBackupError } from '../../pipeline/contract/errors.ts'
import { report } from '../contract/report.ts'
import type { AccountTest } from '../contract/results.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { openPatiently } from '../destinations/open.ts'

/**
 * Tries each destination as a run would, all at once: signs in, begins an upload and gives it up, lists the folder. Nothing
 * stays there that anybody sees. Rejects only with E_ABORTED.
 */
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
  const destination = openPatiently(one, endpoints, signal)
  try {
    const { label, freeBytes } = await destination.signIn(signal)
    await destination.probe(signal)
    return { name, type, ok: true, account: label, freeBytes, error: null }
  } catch (thrown) {
    const error = asBackupError(thrown, signal)
    if (signal.aborted) throw error
    return { name, type, ok: false, account: null, freeBytes: null, error: report(error) }
  } finally {
    await destination.close()
  }
}
