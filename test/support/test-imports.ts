/** Which files of the tests a test file reaches by its imports; those of the product are left out. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '../..')
const SOURCES = path.join(ROOT, 'src') + path.sep

const imports = new Map<string, readonly string[]>()

/** The files of the tests that a file imports itself. */
function importsOf(file: string): readonly string[] {
  let found = imports.get(file)
  if (found === undefined) {
    const text = readFileSync(file, 'utf8')
    found = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'|^import '(\.[^']+)'/gm)]
      .map(([, from, alone]) => path.resolve(path.dirname(file), from ?? alone ?? ''))
      .filter((one) => one.endsWith('.ts') && !one.startsWith(SOURCES))
    imports.set(file, found)
  }
  return found
}

/** Absolute paths, the file's own first. */
export function filesReachedFrom(file: string): ReadonlySet<string> {
  const seen = new Set<string>([path.resolve(file)])
  // What is added while it goes on is visited too.
  for (const one of seen) for (const imported of importsOf(one)) seen.add(imported)
  return seen
}
