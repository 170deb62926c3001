import { asBackupError } from '../../pipeline/errors.ts'
import { isoLocal } from '../backup/archive-name.ts'
import type { VerifyResult } from '../backup/results.ts'
import type { Config } from '../config/types.ts'
import { Store } from '../state/store.ts'
import type { VerifyOptions } from './types.ts'

/** A result that cannot be recorded is a result all the same. */
export function record(
  config: Config,
  { archive, ok, checks }: VerifyResult,
  { log, deep, restoreTest: test }: VerifyOptions,
): void {
  log.info({ archive, ok, checks: checks.map(({ damaged: _names, ...one }) => one) }, 'archive verified')
  const plain = checks.some(({ method }) => method === 'provider-hash') ? 'provider-hash' : 'read-back'
  const method = test ? 'restore-test' : deep ? 'deep' : plain
  try {
    const store = Store.open(config.state.dir)
    try {
      store.saveVerification({ archive, at: isoLocal(new Date()), ok, method }, checks)
    } finally {
      store.close()
    }
  } catch (error) {
    log.warn({ err: asBackupError(error) }, 'the verification could not be recorded')
  }
}
