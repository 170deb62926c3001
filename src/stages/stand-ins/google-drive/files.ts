/** The files and folders of a Drive: names need not be unique, every file has one parent. */

import { randomBytes } from 'node:crypto'
import { hashes } from '../digests.ts'
import type { Digests } from '../digests.ts'
import type { Blob } from '../storage.ts'
import type { Mask } from './fields.ts'
import { pick, wants } from './fields.ts'

export const FOLDER = 'application/vnd.google-apps.folder'
export const ROOT = '0AAAAAAAAAAAAAUk9PVA'

export interface DriveFile {
  readonly id: string
  readonly name: string
  readonly mimeType: string
  readonly parents: readonly string[]
  readonly trashed: boolean
  readonly appProperties: Readonly<Record<string, string>>
  readonly description: string | null
  readonly createdTime: string
  readonly modifiedTime: string
  /** Made by this app, and so visible to it with the scope drive.file. */
  readonly own: boolean
  /** Shared with the account to read only. */
  readonly isReadOnly?: true
  /** Taken for malware by Google's scanner; `shared`: the account does not own it, and cannot have it all the same. */
  readonly flagged?: 'owned' | 'shared'
  /** Null for folders. */
  readonly content: Content | null
}

export interface Content {
  readonly blob: Blob
  readonly bytes: number
  /** md5, and sha1 and sha256 once they were asked for. */
  readonly digests: Digests
  readonly revision: string
}

/** What a files resource has when `fields` is not given. */
export const DEFAULT_FIELDS: Mask = new Map(['kind', 'id', 'name', 'mimeType'].map((name) => [name, null]))
const LAZY = ['sha1', 'sha256'] as const

export class Files {
  readonly #files = new Map<string, DriveFile>()
  readonly #issued = new Set<string>()
  readonly #serials = new Map<string, number>()

  constructor(createdTime: string) {
    this.put({ ...blank(createdTime), id: ROOT, name: 'My Drive', mimeType: FOLDER })
  }

  /** A new id, as generateIds gives them. */
  issueId(): string {
    const id = `1${randomBytes(24).toString('base64url')}`
    this.#issued.add(id)
    return id
  }

  isIssued(id: string): boolean {
    return this.#issued.has(id)
  }

  find(id: string): DriveFile | null {
    return this.#files.get(id === 'root' ? ROOT : id) ?? null
  }

  put(file: DriveFile): DriveFile {
    this.#files.set(file.id, file)
    if (!this.#serials.has(file.id)) this.#serials.set(file.id, this.#serials.size)
    return file
  }

  /** The how-manieth of all files ever made it is. */
  serial(id: string): number {
    return this.#serials.get(id) ?? -1
  }

  /** Removes a file, or a folder with all that is in it; gives what went. */
  delete(id: string): DriveFile[] {
    const file = this.#files.get(id)
    if (file === undefined) return []
    this.#files.delete(id)
    const children = [...this.#files.values()].filter((one) => one.parents.includes(id))
    return [file, ...children.flatMap((child) => this.delete(child.id))]
  }

  /** Everything but the root, oldest first. */
  all(): DriveFile[] {
    return [...this.#files.values()].filter((file) => file.id !== ROOT)
  }

  usedBytes(trashedOnly = false): number {
    const countBytes = this.all().filter((file) => file.trashed || !trashedOnly)
    return countBytes.reduce((sum, file) => sum + (file.content?.bytes ?? 0), 0)
  }

  path(file: DriveFile): string {
    const parent = this.find(file.parents[0] ?? '')
    return parent === null || parent.id === ROOT ? file.name : `${this.path(parent)}/${file.name}`
  }

  /** A files resource with what the mask asks for. */
  async resource(file: DriveFile, mask: Mask): Promise<unknown> {
    return pick(everything(await this.#withDigests(file, mask)), mask)
  }

  /** Digests that were not computed while the bytes came are read from storage when they are asked for. */
  async #withDigests(file: DriveFile, mask: Mask): Promise<DriveFile> {
    const { content } = file
    if (content === null || content.blob.file === null) return file
    const missing = LAZY.filter((name) => wants(mask, `${name}Checksum`) && content.digests[name] === undefined)
    if (missing.length === 0) return file
    const digester = hashes(...missing)
    for await (const chunk of content.blob.read(0, content.bytes)) digester.update(chunk)
    const known = { ...file, content: { ...content, digests: { ...content.digests, ...digester.digests() } } }
    if (this.#files.get(file.id) === file) this.put(known)
    return known
  }
}

/** The fields of a file that nothing was said about. */
export function blank(time: string): DriveFile {
  return {
    id: '',
    name: 'Untitled',
    mimeType: 'application/octet-stream',
    parents: [],
    trashed: false,
    appProperties: {},
    description: null,
    createdTime: time,
    modifiedTime: time,
    own: true,
    content: null,
  }
}

function everything(file: DriveFile): object {
  const { content, description, own, isReadOnly = false, flagged: _flagged, ...plain } = file
  const { sha1, sha256 } = content?.digests ?? {}
  return {
    kind: 'drive#file',
    ...plain,
    explicitlyTrashed: file.trashed,
    ownedByMe: true,
    isAppAuthorized: own,
    capabilities: { canEdit: !isReadOnly, canAddChildren: file.mimeType === FOLDER && !isReadOnly },
    spaces: ['drive'],
    ...(description !== null && { description }),
    ...(content !== null && {
      size: String(content.bytes),
      quotaBytesUsed: String(content.bytes),
      headRevisionId: content.revision,
      originalFilename: file.name,
      md5Checksum: content.digests['md5'],
      ...(sha1 !== undefined && { sha1Checksum: sha1 }),
      ...(sha256 !== undefined && { sha256Checksum: sha256 }),
    }),
  }
}
