import path from 'node:path'
import fastGlob from 'fast-glob'
import { isNegative, type Branch, type Patterns } from './selection.ts'

/** Where a walk has to look. fast-glob tells what braces stand for, and how much of a pattern is a plain path. */
export function branchesOf({ include }: Patterns): Branch[] {
  const wanted = include.filter((pattern) => !isNegative(pattern))
  return fastGlob.generateTasks(wanted, { dot: true }).map(({ base, dynamic }) => {
    const folder = path.posix.normalize(base)
    return { folder: folder === '.' ? '' : folder, isDeep: dynamic }
  })
}
