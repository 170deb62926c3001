/**
 * Loaded before a test file on Windows: in the place of a file that needs a program which this machine does not have
 * comes a single test that is skipped and says so.
 */
import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { missingFor } from './needed-programs.ts'
import { ROOT } from './test-imports.ts'

const file = process.argv[1] ?? ''
const missing = file.endsWith('.test.ts') ? missingFor(file) : []

if (missing.length > 0) {
  const main = pathToFileURL(file).href
  const name = path.relative(ROOT, file)
  const source = `import { test } from 'node:test'
test(${JSON.stringify(name)}, { skip: ${JSON.stringify(`this machine lacks ${missing.join(', ')}`)} })`
  registerHooks({
    load: (url, context, next) =>
      url === main ? { format: 'module', source, shortCircuit: true } : next(url, context),
  })
}
