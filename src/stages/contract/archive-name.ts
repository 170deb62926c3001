import { isoLocal } from './time.ts'

/** `<prefix>_YYYY-MM-DD_HH-mm-ss.zip` in local time. */
export function archiveName(prefix: string, at: Date): string {
  const moment = isoLocal(at).slice(0, 'YYYY-MM-DDTHH-mm-ss'.length)
  return `${prefix}_${moment.replace('T', '_').replaceAll(':', '-')}.zip`
}
