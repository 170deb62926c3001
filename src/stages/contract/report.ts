import type { BackupError } from '../../pipeline/contract/errors.ts'
import { redact } from '../text/redact.ts'
import type { ErrorReport } from './results.ts'

/** An error for a result, which the state keeps: what happened and what to do, in one text without secrets. */
export function report({ code, message, advice }: BackupError): ErrorReport {
  const what = redact(message)
  if (advice === '') return { code, message: what }
  return { code, message: `${what}${/[.!?…]$/.test(what) ? '' : '.'} ${redact(advice)}` }
}
