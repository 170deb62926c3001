/**
 * A local stand-in for Google Drive: a real HTTP server that holds what it is sent and answers as
 * www/oauth2.googleapis.com do.
 */

import { createPublicKey } from 'node:crypto'
import { hashes } from '../digests.ts'
import { Consents } from '../consents.ts'
import { controls } from '../controls.ts'
import { StandInServer } from '../server.ts'
import { openStorage } from '../storage.ts'
import { AccessTokens } from '../tokens.ts'
import type { StandIn, StandInObject, StandInOptions } from '../types.ts'
import type { Account, Scope } from './account.ts'
import { blank, Files, FOLDER, ROOT } from './files.ts'
import type { Content, DriveFile } from './files.ts'
import { driveService } from './routes.ts'
import { Sessions } from './sessions.ts'
import { userHolder } from './token.ts'

export interface DriveStandInOptions extends StandInOptions {
  /** Access tokens that are good until they are expired by `expireTokens` or a fault. */
  readonly accessTokens?: readonly string[]
  readonly refreshTokens?: readonly string[]
  /** Default 'client-id' and 'client-secret'. */
  readonly oauth?: { readonly clientId: string; readonly clientSecret: string }
  /** `publicKey`: PEM. `quotaBytes`: default 0, as service accounts have no storage of their own. */
  readonly serviceAccounts?: readonly {
    readonly email: string
    readonly publicKey: string
    readonly quotaBytes?: number
  }[]
  /** What refresh tokens and given access tokens are good for; default 'drive.file': only this app's files. */
  readonly scope?: Scope
  /**
   * How long a refresh token lasts that is given for a code, and is said to last; null, the default: it lasts, and no
   * end is named. A consent screen in testing gives 604,799.
   */
  readonly grantLifetimeSeconds?: number | null
  /** When a full account is told besides at the end of an upload; default: when it begins. */
  readonly quotaChecks?: readonly ('begin' | 'chunk')[]
  /** What a request for a session that is gone meets; default 404. */
  readonly goneStatus?: 404 | 410
}

export interface DriveStandIn extends StandIn {
  /** Lets Google's scanner take a file for malware; one that is `shared` the account does not own. */
  flag(object: StandInObject, whose: 'owned' | 'shared'): void
  /**
   * Adds a folder that another app, or a person, made below `parent` (default: the root), shared with the account to read
   * only or not. Gives its id.
   */
  addForeignFolder(name: string, parent?: string, isReadOnly?: boolean): string
}

/**
 * Routes for faults and the log: token, begin, chunk, final, query, cancel, list, get, download, create, update,
 * delete, generate-ids, about.
 */
export async function startDriveStandIn(options: DriveStandInOptions): Promise<DriveStandIn> {
  const clock = options.clock ?? Date.now
  const storage = await openStorage(options.storage)
  const services = (options.serviceAccounts ?? []).map(({ email, publicKey, quotaBytes = 0 }) => ({
    email,
    publicKey: createPublicKey(publicKey),
    quotaBytes,
  }))
  const now = () => new Date(clock()).toISOString()
  const account: Account = {
    files: new Files(now()),
    sessions: new Sessions(storage, clock),
    tokens: new AccessTokens('ya29.', options.tokenLifetimeSeconds ?? 3599, clock),
    oauth: options.oauth ?? { clientId: 'client-id', clientSecret: 'client-secret' },
    refreshTokens: new Set(options.refreshTokens),
    grantEnds: new Map(),
    grantLifetimeSeconds: options.grantLifetimeSeconds ?? null,
    consents: new Consents(),
    serviceAccounts: new Map(services.map((service) => [service.email, service])),
    scope: options.scope ?? 'drive.file',
    quotaChecks: new Set(options.quotaChecks ?? ['begin']),
    goneStatus: options.goneStatus ?? 404,
    clock,
    quotaBytes: options.quotaBytes ?? null,
    pageEntries: options.pageEntries ?? Infinity,
  }
  for (const token of options.accessTokens ?? []) account.tokens.accept(token, userHolder(account, null))
  const server = new StandInServer(driveService(account), options)
  const find = (object: StandInObject): DriveFile & { readonly content: Content } => {
    const file = account.files.find(object.id)
    if (file === null || file.content === null) throw new Error(`There is no file ${object.id} any more.`)
    return { ...file, content: file.content }
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
      account.files.all().flatMap((file) => {
        if (file.content === null) return []
        const { bytes, digests, blob } = file.content
        return [{ id: file.id, path: account.files.path(file), bytes, digests, file: blob.file }]
      }),
    read: (object) => find(object).content.blob.read(0, object.bytes),
    async flipByte(object, position = 0) {
      const file = find(object)
      const digester = hashes(...Object.keys(file.content.digests))
      await file.content.blob.flip(position)
      for await (const chunk of file.content.blob.read(0, file.content.bytes)) digester.update(chunk)
      account.files.put({ ...file, content: { ...file.content, digests: digester.digests() } })
    },
    flag(object, whose) {
      account.files.put({ ...find(object), flagged: whose })
    },
    consent: (address) => account.consents.give(new URL(address), account.oauth.clientId, ['access_type', 'offline']),
    addForeignFolder(name, parent = ROOT, isReadOnly = false) {
      const id = account.files.issueId()
      account.files.put({
        ...blank(now()),
        id,
        name,
        mimeType: FOLDER,
        parents: [parent],
        own: false,
        ...(isReadOnly && { isReadOnly }),
      })
      return id
    },
  }
}
