import picomatch from 'picomatch'

export interface Patterns {
  /** Globs for paths below the archive folder, `/` between parts. One that begins with `!` excludes. */
  readonly include: readonly string[]
  /** What matches is left out; a folder that matches, with all that is in it. */
  readonly exclude: readonly string[]
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

/** Decides by name what a backup takes. Names of Windows match without regard to case, as its file systems have it. */
export function selectionOf({ include, exclude }: Patterns): Selection {
  const isNegative = (pattern: string): boolean => pattern.startsWith('!') && pattern[1] !== '('
  const wanted = include.filter((pattern) => !isNegative(pattern))
  const unwanted = [...exclude, ...include.filter(isNegative).map((pattern) => pattern.slice(1))]
  const excludes = picomatch(unwanted.map(withoutSlash), OPTIONS)
  if (wanted.some((pattern) => pattern === '**/*' || pattern === '**')) {
    return { takes: (file) => !excludes(file), enters: (folder) => !excludes(folder) }
  }
  const includes = picomatch(wanted, OPTIONS)
  const bases = wanted.map((pattern) => fold(picomatch.scan(pattern, { unescape: true }).base))
  return {
    takes: (file) => includes(file) && !excludes(file),
    enters: (folder) => bases.some((base) => sameBranch(base, fold(folder))) && !excludes(folder),
  }
}

const withoutSlash = (pattern: string): string => (pattern.length > 1 ? pattern.replace(/\/$/, '') : pattern)

const fold = (name: string): string => (windows ? name.toLowerCase() : name)

/** Whether one of two paths is the other or leads to it. */
function sameBranch(base: string, folder: string): boolean {
  return base === '' || base === folder || base.startsWith(`${folder}/`) || folder.startsWith(`${base}/`)
}
