import type { ErrorCode } from '../../pipeline/errors.ts'

const CLOUD = ['dropbox', 'google-drive']

const ADVICE: Readonly<Record<Exclude<ErrorCode, 'E_AUTH'>, string>> = {
  E_CONFIG: 'Correct the configuration; "dicom-backup doctor" tries all of it.',
  E_SOURCE: 'See that the archive folder (dicom.root) is there and may be read, then run again.',
  E_DUMP: 'Mend what the dump program says; "dicom-backup doctor" tries the database login.',
  E_DESTINATION: 'Try it with "dicom-backup accounts test"; the next run sends a new backup there.',
  E_QUOTA: 'Make room there; "dicom-backup prune" deletes archives that are past retention.',
  E_OFFSET: 'The next run sends a new backup there.',
  E_SESSION: 'The next run sends a new backup there.',
  E_INTEGRITY:
    'The faulty copy was removed; the next run sends a new one. If it comes again, look at the disk and the network.',
  E_STATE: 'See that the folder state.dir is there, may be written and has room.',
  E_LOCKED: 'Wait until the other run has ended.',
  E_ABORTED: '',
  E_INTERNAL: 'Please report it with the log file.',
}

/** What a person does about a destination's error, where only its code came with it; empty when there is nothing to do there. */
export function adviceFor(code: ErrorCode, destination: { readonly name: string; readonly type: string }): string {
  if (code !== 'E_AUTH') return ADVICE[code]
  return CLOUD.includes(destination.type)
    ? `Sign in again: "dicom-backup accounts connect ${destination.name}".`
    : 'Give the user that runs the backup the right to write there.'
}
