import { asBackupError, type BackupError } from '../../pipeline/contract/errors.ts'
import { report } from '../contract/report.ts'
import type { Finding, VerifyOptions } from './types.ts'

export const well = (detail: string): Finding => ({ ok: true, checked: true, detail })
export const failed = (detail: string): Finding => ({ ok: false, checked: true, detail })
export const unchecked = (detail: string): Finding => ({ ok: false, checked: false, detail })

export function couldNot(name: string, error: BackupError): Finding {
  const { message } = report(error)
  return unchecked(message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message)
}

/** A stop by the user ends everything; anything else is reported for the destination. */
export function orStop({ signal }: Pick<VerifyOptions, 'signal'>): (error: unknown) => BackupError {
  return (error) => {
    const known = asBackupError(error, signal)
    if (known.code === 'E_ABORTED') throw known
    return known
  }
}
