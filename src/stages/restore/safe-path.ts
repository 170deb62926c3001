/**
 * Where an entry goes below the target folder. Names of an archive may come from anyone: none of them may lead out of
 * the folder, to a device or to another file than the one it names.
 *
 * A name that was not valid UTF-8 when it was backed up stands in the archive with `%HH` for such a byte
 * (plan/file-name.ts), and is restored as it stands there: what was a byte and what was a percent sign cannot be told
 * apart any more. Entries of one name are all restored, under different names.
 */

export interface PathRules {
  readonly platform: NodeJS.Platform
  /**
   * A backslash stands between folders: in archives of other programs, some of which write it on Windows. In a backup it
   * is a character of a Linux file name.
   */
  readonly backslashSeparates: boolean
}

export type SafePath =
  /** `changed`: what about the name had to be written in another way; null: nothing. */
  { readonly parts: readonly string[]; readonly changed: string | null } | { readonly refused: string }

/** What a restore itself keeps in the folder: see restore-files-target.ts. */
export const MARKER = '.dicom-backup-restore.json'

/** The parts of an entry's path below the target; of a folder's entry without its last slash. */
export function safePath(name: string, { platform, backslashSeparates }: PathRules): SafePath {
  const path = backslashSeparates ? name.replaceAll('\\', '/') : name
  if (path.includes('\0')) return { refused: 'its name has a NUL character' }
  if (path.startsWith('/') || (platform === 'win32' && path.startsWith('\\'))) {
    return { refused: 'its path is absolute' }
  }
  if (/^[A-Za-z]:/.test(path)) return { refused: 'its path begins with a drive letter' }
  const parts = (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
  if (parts.includes('..')) return { refused: 'its path leads outside the folder (..)' }
  if (parts.some((part) => part === '' || part === '.')) return { refused: 'its path has a part without a name' }
  if (parts[0]?.toLowerCase() === MARKER)
    return { refused: 'its name is that of a file which the restore itself keeps' }
  if (platform !== 'win32') return { parts, changed: null }
  const renamed = parts.map(windowsName)
  return { parts: renamed, changed: renamed.every((part, n) => part === parts[n]) ? null : 'Windows has no such names' }
}

/** What no name may hold there: https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const FORBIDDEN = /[\x00-\x1f<>:"|?*\\]|[. ]$/g
/** Names of devices, with any extension. */
const DEVICE = /^(?=(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$))./i

/** The name with `%HH` for what Windows does not take. */
function windowsName(name: string): string {
  return name.replaceAll(FORBIDDEN, percent).replace(DEVICE, percent)
}

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/**
 * The same for all names that are one file: where case does not count, nor, but for Windows, how an accent is written.
 */
export function pathKey(
  parts: readonly string[],
  ignoresCase: boolean,
  platform: NodeJS.Platform = process.platform,
): string {
  const path = parts.join('/')
  if (!ignoresCase) return path
  if (platform === 'win32') return path.toLowerCase()
  return path.normalize('NFC').toLowerCase().normalize('NFC')
}

/** So many other names are tried for a file. */
const MOST_NAMES = 8

/**
 * Other paths for a file whose own is that of another one here: with `%HH` for the first letter of its name, for the first two, and so on.
 */
export function* otherPaths(parts: readonly string[]): Generator<readonly string[]> {
  const letters = Array.from(parts.at(-1) ?? '')
  const cased = letters.flatMap((letter, n) => (letter.toLowerCase() === letter.toUpperCase() ? [] : [n]))
  // One whose folders differ may have no letter itself.
  const places = cased.length === 0 ? [...letters.keys()] : cased
  for (const place of places.slice(0, MOST_NAMES)) {
    letters[place] = percentBytes(letters[place] ?? '')
    yield [...parts.slice(0, -1), letters.join('')]
  }
}

const percentBytes = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
