import type { z } from 'zod'
import { path, text } from '../../schema/parts.ts'
import type { DestinationConfig } from '../config.ts'
import type { Absolute, KindTraits } from '../kind.ts'
import { chunkSize, destinationSection } from '../settings.ts'

export interface LocalConfig extends DestinationConfig {
  readonly type: 'local'
  readonly folder: string
  /** Access rights of the archives' files, as in chmod; 0o600 unless given. Without effect on Windows. */
  readonly mode?: number
}

export const LOCAL_TRAITS: KindTraits = {
  maxObjectBytes: null,
  digest: 'contentHash',
  isLocal: true,
  // In a folder nothing but reading tells what is there.
  proof: 'read-back',
}

const RIGHTS = 'the access rights of a file in quotes, such as "0640", from "0600" to "0666"'

/** The rights of a file as chmod takes them, of which the owner has to have both. */
const mode = text(RIGHTS)
  .regex(/^0?6[0246][0246]$/, RIGHTS)
  .transform((written) => Number.parseInt(written, 8))

export const localSchema = destinationSection('local', {
  chunkSize: chunkSize('a folder takes any size'),
  folder: path('the folder that the archives go to'),
  mode: mode.optional(),
})

export function resolveLocal(written: z.output<typeof localSchema>, absolute: Absolute): LocalConfig {
  const { name, type, chunkSize: bytes = null, folder, mode: rights } = written
  return { type, name, chunkSize: bytes, folder: absolute(folder), ...(rights === undefined ? {} : { mode: rights }) }
}

/** An example, for the starter configuration. */
const folderOn = (platform: NodeJS.Platform): string =>
  platform === 'win32' ? 'D:\\dicom-backups' : '/mnt/nas/dicom-backups'

export const localStarter = (
  platform: NodeJS.Platform,
): string => `  # A folder on another disk or a network share. It must be outside dicom.root.
  - name: nas
    type: local
    folder: ${folderOn(platform)}
    # Who may read the archives there: "0600" is only the account that runs the backup, "0640" its group, too.
#    mode: "0600"
    # Bytes in a request, for any destination. The default suits the service; at most 32MiB.
#    chunkSize: 8MiB
`
