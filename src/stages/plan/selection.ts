import picomatch from 'picomatch'

export interface Patterns {
  /** Globs for paths below the archive folder, `/` between parts. One that begins with `!` excludes. */
  readonly include: readonly string[]
  /** What matches is left out; a folder that matches, with all that is in it. */
  readonly exclude: readonly string[]
}

/** A folder below the archive folder in which there may be something wanted; '' is that folder itself. */
export interface Branch {
  readonly folder: string
  /** Whether that is so of the folders below it, too. */
  readonly isDeep: boolean
}

export interface Selection {
  /** Whether a file of this path is wanted. */
  readonly takes: (file: string) => boolean
  /** Whether there can be something wanted in the folder. */
  readonly enters: (folder: string) => boolean
}

const windows = process.platform === 'win32'
/** A name may contain a line break, which `.` in a regular expression matches only with the s flag. */
const OPTIONS = { dot: true, nocase: windows, flags: windows ? 'is' : 's' }

export const isNegative = (pattern: string): boolean => pattern.startsWith('!') && pattern[1] !== '('

/** Decides by name what a backup takes; `branches` are those of the patterns. Names of Windows match without regard to case, as its file systems have it. */
export function selectionOf({ include, exclude }: Patterns, branches: readonly Branch[]): Selection {
  const wanted = include.filter((pattern) => !isNegative(pattern))
  const unwanted = [...exclude, ...include.filter(isNegative).map((pattern) => pattern.slice(1))]
  const excludes = picomatch(unwanted.map(withoutSlash), OPTIONS)
  if (wanted.some((pattern) => pattern === '**/*' || pattern === '**')) {
    return { takes: (file) => !excludes(file), enters: (folder) => !excludes(folder) }
  }
  const includes = picomatch(wanted, OPTIONS)
  const folded = branches.map(({ folder, isDeep }) => ({ folder: fold(folder), isDeep }))
  return {
    takes: (file) => includes(file) && !excludes(file),
    enters: (folder) => folded.some((branch) => isOn(branch, fold(folder))) && !excludes(folder),
  }
}

const withoutSlash = (pattern: string): string => (pattern.length > 1 ? pattern.replace(/\/$/, '') : pattern)

const fold = (name: string): string => (windows ? name.toLowerCase() : name)

/** Whether the folder leads to the branch, or is on it. */
function isOn({ folder: base, isDeep }: Branch, folder: string): boolean {
  if (base === folder || base.startsWith(`${folder}/`)) return true
  return isDeep && (base === '' || folder.startsWith(`${base}/`))
}
