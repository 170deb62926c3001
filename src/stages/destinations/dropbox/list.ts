import type { Destination, StoredObject } from '../../../pipeline/contract/destination.ts'
import { abortError } from '../../../pipeline/contract/errors.ts'
import { fieldOf } from '../../http/answer.ts'
import type { DropboxApi } from './api.ts'
import { storedObject } from './files.ts'
import { isMissing, isReset } from './refusal.ts'

/** Entries asked for with one request; what comes may be a few more or fewer. */
const PAGE_ENTRIES = 1000

type ListedFile = StoredObject & { readonly name: string }

interface Page {
  readonly files: readonly ListedFile[]
  /** Where the next page starts; null after the last. */
  readonly cursor: string | null
  /** Dropbox let go of the cursor: the listing starts anew. */
  readonly isReset: boolean
}

const NOTHING: Page = { files: [], cursor: null, isReset: false }

/**
 * The files in a folder, page by page, each given once; nothing when there is no folder. It keeps the ids of what it
 * gave: Dropbox tells a file again that changes meanwhile, and all of them when the listing starts anew. One that is
 * reset twice without a new file in between rejects with E_DESTINATION (`retry`).
 */
export async function* filesIn(api: DropboxApi, folder: string, signal: AbortSignal): ReturnType<Destination['list']> {
  const given = new Set<string>()
  let givenAtReset: number | null = null
  let cursor: string | null = null
  for (;;) {
    const page = await pageAt(api, folder, cursor, given.size !== givenAtReset, signal)
    for (const file of page.files) {
      if (signal.aborted) throw abortError(signal)
      if (given.has(file.id)) continue
      given.add(file.id)
      yield file
    }
    if (page.isReset) givenAtReset = given.size
    else if (page.cursor === null) return
    cursor = page.cursor
  }
}

/** @param mayReset whether a reset is an answer, not an error. */
function pageAt(
  api: DropboxApi,
  folder: string,
  cursor: string | null,
  mayReset: boolean,
  signal: AbortSignal,
): Promise<Page> {
  return api.call<Page>(
    {
      send: (client, options) =>
        cursor === null
          ? client.filesListFolder({ path: folder, limit: PAGE_ENTRIES }, options)
          : client.filesListFolderContinue({ cursor }, options),
      read: readPage,
      recover: (refusal) => {
        if (isMissing(refusal)) return NOTHING
        return mayReset && isReset(refusal) ? { ...NOTHING, isReset: true } : undefined
      },
    },
    signal,
  )
}

/** A ListFolderResult (files.stone); null when it is none. */
function readPage(result: unknown): Page | null {
  const entries = fieldOf(result, 'entries')
  const cursor = fieldOf(result, 'cursor')
  const hasMore = fieldOf(result, 'has_more')
  if (!Array.isArray(entries) || typeof cursor !== 'string' || typeof hasMore !== 'boolean') return null
  const files: ListedFile[] = []
  for (const entry of entries as readonly unknown[]) {
    // The others are folders, and files that were deleted meanwhile.
    if (fieldOf(entry, '.tag') !== 'file') continue
    const file = storedObject(entry)
    const name = fieldOf(entry, 'name')
    if (file === null || typeof name !== 'string') return null
    files.push({ ...file, name })
  }
  return { files, cursor: hasMore ? cursor : null, isReset: false }
}
