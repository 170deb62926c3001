import type fastGlob from 'fast-glob'

/** A folder as fast-glob is shown it: a directory entry. */
export class ShownFolder implements Pick<
  fastGlob.Entry['dirent'],
  'name' | 'isFile' | 'isDirectory' | 'isSymbolicLink'
> {
  readonly name: string

  constructor(name: string) {
    this.name = disguise(name)
  }

  isFile(): boolean {
    return false
  }

  isDirectory(): boolean {
    return true
  }

  isSymbolicLink(): boolean {
    return false
  }
}

/**
 * fast-glob matches paths with `.`, which does not match a line break, and would silently pass over what lies in a
 * folder with one in its name. So it is shown lone surrogates in their place, of those that no name contains.
 */
const LINE_BREAKS = '\n\r\u2028\u2029'
const DISGUISES = '\uDC00\uDC01\uDC02\uDC03'

function disguise(name: string): string {
  return name.replace(/[\n\r\u2028\u2029]/g, (found) => DISGUISES.charAt(LINE_BREAKS.indexOf(found)))
}

/** The path of a folder that fast-glob asks for, as it is. */
export function undisguise(path: string): string {
  return path.replace(/[\uDC00-\uDC03]/gu, (found) => LINE_BREAKS.charAt(DISGUISES.indexOf(found)))
}
