import { asBackupError } from '../../pipeline/contract/errors.ts'
import { isoLocal } from '../contract/time.ts'
import type { VerifyResult } from '../contract/results.ts'
import type { VerifyOptions } from './types.ts'

/** A result that cannot be recorded is a result all the same. */
export async function record(
  { archive, ok, checks }: VerifyResult,
  { state, log, deep, restoreTest: test }: VerifyOptions,
): Promise<void> {
  log.info({ archive, ok, checks: checks.map(({ damaged: _names, ...one }) => one) }, 'archive verified')
  const plain = checks.some(({ method }) => method === 'provider-hash') ? 'provider-hash' : 'read-back'
  const method = test ? 'restore-test' : deep ? 'deep' : plain
  try {
    await state?.saveVerification({ archive, at: isoLocal(new Date()), ok, method }, checks)
  } catch (error) {
    log.warn({ err: asBackupError(error) }, 'the verification could not be recorded')
  }
}
