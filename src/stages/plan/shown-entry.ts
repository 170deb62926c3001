import type fastGlob from 'fast-glob'
import type { PlannedFile } from './types.ts'

/** A file or a folder as fast-glob is shown it: a directory entry, which fast-glob hands on with what it finds. */
export class ShownEntry implements Pick<
  fastGlob.Entry['dirent'],
  'name' | 'isFile' | 'isDirectory' | 'isSymbolicLink'
> {
  readonly name: string
  /** Null: a folder. */
  readonly file: PlannedFile | null

  constructor(name: string, file: PlannedFile | null) {
    this.name = disguise(name)
    this.file = file
  }

  isFile(): boolean {
    return this.file !== null
  }

  isDirectory(): boolean {
    return this.file === null
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
