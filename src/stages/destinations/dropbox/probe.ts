import { BackupError } from '../../../pipeline/contract/errors.ts'
import { fieldOf } from '../../http/answer.ts'
import { accountId } from './account.ts'
import type { DropboxApi } from './api.ts'
import { filesIn } from './list.ts'
import { isMissing } from './refusal.ts'
import { sequentialBytes } from './sequential-bytes.ts'
import { startSession } from './session.ts'

interface Folder {
  readonly id: string
  readonly isFile: boolean
  readonly isReadOnly: boolean
}

/**
 * As `Destination.probe`. An upload session that is started and closed shows nowhere and ends after 7 days; it proves the
 * permission to write, as the listing proves the one to see what is there.
 */
export async function probeFolder(api: DropboxApi, signal: AbortSignal): Promise<void> {
  const { name, folder } = api.caller
  const id = await startSession(api, 'sequential', signal)
  await sequentialBytes(api, { id, path: `${folder}/probe`, type: 'sequential' }).end(signal)
  for await (const _ of filesIn(api, folder, signal)) break
  for (let path = folder; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    const found = await folderAt(api, path, signal)
    if (found === null) continue
    if (found.isFile) {
      throw new BackupError('E_DESTINATION', `${name}: ${path} is a file in Dropbox, not a folder.`, {
        advice: `Move that file away, or choose another folder for ${name}.`,
      })
    }
    if (!found.isReadOnly) return
    throw new BackupError('E_AUTH', `${name}: the Dropbox folder ${path} is shared with this account to read only.`, {
      advice: `Ask its owner for the right to edit ${path}, or choose another folder for ${name}.`,
    })
  }
}

/** As `Destination.place`. A folder has one id, however its path is written and through whichever app it is seen. */
export async function placeOfFolder(api: DropboxApi, app: string, signal: AbortSignal): Promise<string> {
  const { folder } = api.caller
  const found = folder === '' ? null : await folderAt(api, folder, signal)
  if (found !== null) return `dropbox:${found.id}`
  return `dropbox:${await accountId(api, signal)}:${app}:${folder.toLowerCase()}`
}

/** What is at a path, a FolderMetadata or FileMetadata (files.stone); null when there is nothing. */
async function folderAt(api: DropboxApi, path: string, signal: AbortSignal): Promise<Folder | null> {
  const { found } = await api.call<{ readonly found: Folder | null }>(
    {
      send: (client, options) => client.filesGetMetadata({ path }, options),
      read: (result) => {
        const id = fieldOf(result, 'id')
        if (typeof id !== 'string') return null
        const sharing = fieldOf(result, 'sharing_info')
        const isReadOnly = fieldOf(sharing, 'read_only') === true || fieldOf(sharing, 'no_access') === true
        return { found: { id, isFile: fieldOf(result, '.tag') === 'file', isReadOnly } }
      },
      recover: (refusal) => (isMissing(refusal) ? { found: null } : undefined),
    },
    signal,
  )
  return found
}
