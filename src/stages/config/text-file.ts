import { readFileSync, statSync } from 'node:fs'
import { systemCode } from '../../pipeline/contract/errors.ts'

export const MISSING = 'does not exist'

const LARGEST = 1024 * 1024

/** A small text file, or in a few words (to stand behind its name) why there is none: 'does not exist', … */
export type TextFile = { readonly text: string; readonly worldReadable: boolean } | { readonly problem: string }

/**
 * Reads a file that a person wrote, with or without a byte order mark, as UTF-8 or as the UTF-16 that Windows' Notepad
 * and PowerShell may write. `worldReadable` is always false on Windows, which has no such permission bit.
 */
export function readTextFile(file: string): TextFile {
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) return { problem: 'is a folder' }
    if (!stat.isFile()) return { problem: 'is not a plain file' }
    if (stat.size > LARGEST) return { problem: 'is larger than 1 MiB' }
    const bytes = readFileSync(file)
    const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
    return { text, worldReadable: process.platform !== 'win32' && (stat.mode & 0o004) !== 0 }
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return { problem: MISSING }
    if (code === 'EACCES' || code === 'EPERM') return { problem: 'cannot be read by this account' }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'is not UTF-8 text' }
    return { problem: `cannot be read (${code})` }
  }
}
