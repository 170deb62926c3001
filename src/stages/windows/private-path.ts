/**
 * Access rights on Windows, where a file's mode means nothing: a new folder is open to whoever its parent is open to,
 * below C:\ to every account of the machine.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { systemProgram } from './system-program.ts'

const SYSTEM = 'S-1-5-18'
const ADMINISTRATORS = 'S-1-5-32-544'
const LIMIT_MS = 20_000

/** Apache, which XAMPP has, serves nothing of a folder with this file. */
const HTACCESS = 'Require all denied\n'

/** Makes a folder, and those above it, that only this account and administrators may enter. Throws the system's error. */
export function makePrivateFolder(folder: string): void {
  const isMade = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined
  if (!isMade || process.platform !== 'win32') return
  makePrivate(folder, 'folder')
  writeFileSync(path.join(folder, '.htaccess'), HTACCESS)
}

/**
 * Lets only this account, administrators and the system use a file, or a folder and what is in it. Does nothing but on
 * Windows. False when it could not be done: then the rights are as they were, and `doctor` tells of them.
 */
export function makePrivate(file: string, kind: 'file' | 'folder'): boolean {
  if (process.platform !== 'win32') return true
  try {
    const user = userIn(windowsProgram('whoami.exe', ['/user', '/fo', 'csv', '/nh']))
    if (user === null) return false
    windowsProgram('icacls.exe', privateRights(file, kind, user))
    return true
  } catch {
    return false
  }
}

/** The arguments of icacls; `user` is an account's SID, which has no words of a language in it. */
export function privateRights(file: string, kind: 'file' | 'folder', user: string): string[] {
  const inherited = kind === 'folder' ? '(OI)(CI)' : ''
  const accounts = [...new Set([SYSTEM, ADMINISTRATORS, user])]
  return [file, '/inheritance:r', '/grant:r', ...accounts.map((sid) => `*${sid}:${inherited}F`), '/Q']
}

/** The SID in what whoami says: `"domain\user","S-1-5-21-…"`. */
export function userIn(said: string): string | null {
  return /"(S-1-[\d-]+)"/.exec(said)?.[1] ?? null
}

/** Who may read what is there, as SDDL. Throws when it cannot be found out. https://learn.microsoft.com/windows/win32/secauthz/ace-strings */
export function rightsOf(file: string): string {
  const saved = path.join(os.tmpdir(), `dicom-backup-rights-${process.pid}`)
  try {
    windowsProgram('icacls.exe', [file, '/save', saved, '/Q'])
    return readFileSync(saved, 'utf16le')
  } finally {
    rmSync(saved, { force: true })
  }
}

/** Groups that hold more than the machine's administrators, by their SDDL names and SIDs. */
const BROAD: Readonly<Record<string, string>> = {
  WD: 'Everyone',
  'S-1-1-0': 'Everyone',
  AU: 'Authenticated Users',
  'S-1-5-11': 'Authenticated Users',
  BU: 'Users',
  'S-1-5-32-545': 'Users',
  BG: 'Guests',
  'S-1-5-32-546': 'Guests',
  IU: 'Interactive',
  DU: 'Domain Users',
}

const FILE_READ_DATA = 0x1
const GENERIC = 0xf0000000
/** All, or to read: of files, generic, and the single right. */
const READING = ['FA', 'FR', 'GA', 'GR', 'CC']

/** The broad groups that an SDDL text lets read. */
export function readersIn(sddl: string): string[] {
  const found = [...sddl.matchAll(/\(A;[^;]*;([^;]*);[^;]*;[^;]*;([^;)]+)/g)]
  const names = found.flatMap(([, rights = '', who = '']) => {
    const name = BROAD[who]
    return name !== undefined && reads(rights) ? [name] : []
  })
  return [...new Set(names)]
}

function reads(rights: string): boolean {
  if (rights.startsWith('0x')) return (Number(rights) & (FILE_READ_DATA | GENERIC)) !== 0
  return Array.from(rights.matchAll(/../g), ([two]) => two).some((two) => READING.includes(two))
}

function windowsProgram(name: string, words: readonly string[]): string {
  return execFileSync(systemProgram(name), words, {
    encoding: 'latin1',
    timeout: LIMIT_MS,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
