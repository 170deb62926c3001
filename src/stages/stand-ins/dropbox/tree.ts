/** The folders and files of a Dropbox account: case-insensitive, case-preserving, parents made as needed. */

import { randomBytes } from 'node:crypto'
import type { Blob } from '../storage.ts'
import { refuse } from './errors.ts'

export interface FileEntry {
  readonly kind: 'file'
  readonly path: string
  readonly id: string
  readonly rev: string
  readonly bytes: number
  readonly contentHash: string
  readonly clientModified: string
  readonly serverModified: string
  readonly blob: Blob
}

export interface FolderEntry {
  readonly kind: 'folder'
  readonly path: string
  readonly id: string
  /** Shared with the account to read only. */
  readonly isReadOnly?: true
}

export type Entry = FileEntry | FolderEntry

const IGNORED = new Set(['desktop.ini', 'thumbs.db', '.ds_store', 'icon\r', '.dropbox', '.dropbox.attr'])

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
const key = (path: string): string => path.toLowerCase()
const newId = (): string => `id:${randomBytes(16).toString('base64url')}`

export class Tree {
  readonly #entries = new Map<string, Entry>()
  #revisions = 0x5f0_0000_0001

  /** By path, `id:…` or `rev:…`. */
  find(path: string): Entry | null {
    if (path.startsWith('/')) return this.#entries.get(key(path)) ?? null
    for (const entry of this.#entries.values()) {
      if (entry.id === path || (entry.kind === 'file' && `rev:${entry.rev}` === path)) return entry
    }
    return null
  }

  files(): FileEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.kind === 'file')
  }

  usedBytes(): number {
    return this.files().reduce((sum, file) => sum + file.bytes, 0)
  }

  newRevision(): string {
    return (this.#revisions++).toString(16)
  }

  /**
   * The path as it will be stored, its parents in the case they already have. Refuses what can be no path, below `at`:
   * the tags that a route puts around a write error.
   */
  writable(path: string, ...at: readonly string[]): string {
    const parts = path.split('/').slice(1)
    if (
      !path.startsWith('/') ||
      parts.some((part) => part === '' || part === '.' || part === '..' || part.length > 255)
    )
      throw refuse(...at, 'malformed_path')
    if (IGNORED.has(key(parts.at(-1) ?? ''))) throw refuse(...at, 'disallowed_name')
    let stored = ''
    for (const part of parts.slice(0, -1)) {
      const parent = this.#entries.get(key(`${stored}/${part}`))
      if (parent?.kind === 'file') throw refuse(...at, 'conflict', 'file_ancestor')
      if (parent?.isReadOnly === true) throw refuse(...at, 'no_write_permission')
      stored = parent?.path ?? `${stored}/${part}`
    }
    return `${stored}/${parts.at(-1) ?? ''}`
  }

  /** Makes a folder that was shared with the account to read only. */
  shareReadOnly(path: string): void {
    this.#entries.set(key(path), { ...this.makeFolder(path), isReadOnly: true })
  }

  /** Makes a folder and the parents it lacks. */
  makeFolder(path: string): FolderEntry {
    const there = this.#entries.get(key(path))
    if (there?.kind === 'folder') return there
    this.#makeParents(path)
    const folder: FolderEntry = { kind: 'folder', path, id: newId() }
    this.#entries.set(key(path), folder)
    return folder
  }

  /** Stores a file where a file or nothing is. One that is replaced keeps its id. */
  put(
    path: string,
    file: Pick<FileEntry, 'bytes' | 'contentHash' | 'clientModified' | 'serverModified' | 'blob'>,
  ): FileEntry {
    this.#makeParents(path)
    const there = this.#entries.get(key(path))
    const entry: FileEntry = { kind: 'file', path, id: there?.id ?? newId(), rev: this.newRevision(), ...file }
    this.#entries.set(key(path), entry)
    return entry
  }

  /** Swaps an entry for another state of itself. */
  replace(entry: FileEntry): void {
    this.#entries.set(key(entry.path), entry)
  }

  /** Removes an entry and everything below it; gives the files that went. */
  delete(entry: Entry): FileEntry[] {
    const gone = [entry, ...this.below(entry.path, true)]
    for (const one of gone) this.#entries.delete(key(one.path))
    return gone.filter((one) => one.kind === 'file')
  }

  /** What lies in a folder ('' is the root), by name. */
  below(folder: string, recursive: boolean): Entry[] {
    const prefix = `${key(folder)}/`
    return [...this.#entries]
      .filter(([path]) => path.startsWith(prefix) && (recursive || !path.slice(prefix.length).includes('/')))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, entry]) => entry)
  }

  /** The first of 'name (2).zip', 'name (3).zip', … that is free. */
  freeName(path: string, suffix = (n: number) => ` (${n})`): string {
    const name = nameOf(path)
    const dot = name.lastIndexOf('.')
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
    for (let n = 2; ; n++) {
      const candidate = `${parentOf(path)}/${stem}${suffix(n)}${extension}`
      if (!this.#entries.has(key(candidate))) return candidate
    }
  }

  #makeParents(path: string): void {
    const parent = parentOf(path)
    if (parent !== '') this.makeFolder(parent)
  }
}

/** A Metadata answer; `tag` where the route's type is a union (list_folder, get_metadata, delete_v2). */
export function metadata(entry: Entry, tag: boolean): object {
  const common = {
    ...(tag && { '.tag': entry.kind }),
    name: nameOf(entry.path),
    path_lower: key(entry.path),
    path_display: entry.path,
    id: entry.id,
  }
  if (entry.kind === 'folder') {
    if (entry.isReadOnly !== true) return common
    const sharing = { read_only: true, shared_folder_id: '84528192421', traverse_only: false, no_access: false }
    return { ...common, shared_folder_id: sharing.shared_folder_id, sharing_info: sharing }
  }
  return {
    ...common,
    client_modified: entry.clientModified,
    server_modified: entry.serverModified,
    rev: entry.rev,
    size: entry.bytes,
    is_downloadable: true,
    content_hash: entry.contentHash,
  }
}

/** Dropbox's timestamps: UTC, whole seconds. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}
