/**
 * A local stand-in for Dropbox: a real HTTP server that holds what it is sent and answers as api/content.dropboxapi.com
 * do.
 */

import { ContentHash } from '../digests.ts'
import { Consents } from '../consents.ts'
import { controls } from '../controls.ts'
import { StandInServer } from '../server.ts'
import { openStorage } from '../storage.ts'
import { AccessTokens } from '../tokens.ts'
import type { StandIn, StandInObject, StandInOptions } from '../types.ts'
import type { Account } from './account.ts'
import { dropboxService } from './routes.ts'
import { Sessions } from './sessions.ts'
import { Tree } from './tree.ts'
import type { FileEntry } from './tree.ts'

export interface DropboxStandInOptions extends StandInOptions {
  /** Access tokens that are good until they are expired by `expireTokens` or a fault. */
  readonly accessTokens?: readonly string[]
  readonly refreshTokens?: readonly string[]
  /** Default 'app-key'. */
  readonly appKey?: string
  /** Null: an app without one (PKCE). */
  readonly appSecret?: string | null
  /** Bytes of a request's body (150 MiB) and of a file (2^41 - 2^22) at most. */
  readonly limits?: { readonly requestBytes?: number; readonly fileBytes?: number }
  readonly finishedSession?: 'closed' | 'not_found'
  /** Space is told as a team's. */
  readonly team?: boolean
}

export interface DropboxStandIn extends StandIn {
  /** Kills every cursor of a listing: the next call with one answers `reset`. */
  resetCursors(): void
  /**
   * Takes a permission away ('files.content.write'), from the app or only from its access tokens, or gives it back
   * (null).
   */
  lackScope(scope: string, lacks: 'app' | 'token' | null): void
  /** Makes a folder that was shared with the account to read only. */
  shareReadOnly(path: string): void
}

/**
 * Routes for faults and the log: token, start, append, finish, download, list, list-more, metadata, create-folder,
 * delete, space, account.
 */
export async function startDropboxStandIn(options: DropboxStandInOptions): Promise<DropboxStandIn> {
  const clock = options.clock ?? Date.now
  const storage = await openStorage(options.storage)
  const account: Account = {
    tree: new Tree(),
    sessions: new Sessions(storage, clock),
    tokens: new AccessTokens('sl.', options.tokenLifetimeSeconds ?? 14_400, clock),
    refreshTokens: new Set(options.refreshTokens),
    consents: new Consents(),
    appKey: options.appKey ?? 'app-key',
    appSecret: options.appSecret ?? null,
    limits: { requestBytes: 157_286_400, fileBytes: 2 ** 41 - 2 ** 22, ...options.limits },
    finishedSession: options.finishedSession ?? 'closed',
    team: options.team ?? false,
    clock,
    missingScopes: new Map(),
    quotaBytes: options.quotaBytes === undefined ? 2 ** 41 : options.quotaBytes,
    cursorGeneration: 1,
    pageEntries: options.pageEntries ?? Infinity,
  }
  for (const token of options.accessTokens ?? []) account.tokens.accept(token, { grant: null })
  const server = new StandInServer(dropboxService(account), options)
  const fileOf = (object: StandInObject): FileEntry => {
    const entry = account.tree.find(object.id)
    if (entry?.kind !== 'file') throw new Error(`There is no file ${object.id} any more.`)
    return entry
  }
  return {
    ...controls(server, account),
    origin: await server.listen(),
    get quotaBytes() {
      return account.quotaBytes
    },
    set quotaBytes(bytes) {
      account.quotaBytes = bytes
    },
    objects: () =>
      account.tree.files().map(({ id, path, bytes, contentHash, blob }) => ({
        id,
        path,
        bytes,
        digests: { contentHash },
        file: blob.file,
      })),
    read: (object) => fileOf(object).blob.read(0, object.bytes),
    async flipByte(object, position = 0) {
      const entry = fileOf(object)
      const hash = new ContentHash()
      await entry.blob.flip(position)
      for await (const chunk of entry.blob.read(0, entry.bytes)) hash.update(chunk)
      account.tree.replace({ ...entry, ...hash.digests() })
    },
    consent: (address) => account.consents.give(new URL(address), account.appKey, ['token_access_type', 'offline']),
    lackScope(scope, lacks) {
      if (lacks === null) account.missingScopes.delete(scope)
      else account.missingScopes.set(scope, lacks)
    },
    shareReadOnly(path) {
      account.tree.shareReadOnly(path)
    },
    resetCursors() {
      account.cursorGeneration += 1
    },
  }
}
