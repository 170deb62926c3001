import type { StoredObject } from '../../../pipeline/contract/destination.ts'
import { fieldOf } from '../../http/answer.ts'
import type { DropboxApi } from './api.ts'
import { isMissing } from './refusal.ts'

/** A FileMetadata (files.stone) as an object; null when it is none. */
export function storedObject(result: unknown): StoredObject | null {
  const id = fieldOf(result, 'id')
  const path = fieldOf(result, 'path_display')
  const bytes = fieldOf(result, 'size')
  const digest = fieldOf(result, 'content_hash')
  if (typeof id !== 'string' || typeof path !== 'string' || typeof bytes !== 'number') return null
  return { id, path, bytes, digest: typeof digest === 'string' ? digest : null }
}

/** The file at `path`, or null when there is none. */
export async function fileAt(api: DropboxApi, path: string, signal: AbortSignal): Promise<StoredObject | null> {
  const found = await api.call<{ readonly file: StoredObject | null }>(
    {
      send: (client, options) => client.filesGetMetadata({ path }, options),
      read: (result) => {
        if (fieldOf(result, '.tag') !== 'file') return fieldOf(result, '.tag') === undefined ? null : { file: null }
        const file = storedObject(result)
        return file === null ? null : { file }
      },
      recover: (refusal) => (isMissing(refusal) ? { file: null } : undefined),
    },
    signal,
  )
  return found.file
}

/** Deletes a file by its id; one that is gone already is no error. */
export async function deleteFile(api: DropboxApi, { id }: StoredObject, signal: AbortSignal): Promise<void> {
  await api.call<true>(
    {
      send: (client, options) => client.filesDeleteV2({ path: id }, options),
      read: (result) => (typeof fieldOf(result, 'metadata') === 'object' ? true : null),
      recover: (refusal) => (isMissing(refusal) ? true : undefined),
    },
    signal,
  )
}
