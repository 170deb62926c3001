/**
 * `npm run test:unit`: every test file that needs neither a database server nor the program in a process of its own, by
 * what it imports. The words that follow go to Node's test runner.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')
const SLOW = ['mariadb.ts', 'cli.ts', 'lasting-cli.ts'].map((name) => path.join(import.meta.dirname, name))

const imports = new Map<string, readonly string[]>()

/** The files of the tests that a file imports itself. */
function importsOf(file: string): readonly string[] {
  let found = imports.get(file)
  if (found === undefined) {
    const text = readFileSync(file, 'utf8')
    found = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'|^import '(\.[^']+)'/gm)]
      .map(([, from, alone]) => path.resolve(path.dirname(file), from ?? alone ?? ''))
      .filter((one) => one.endsWith('.ts') && !one.startsWith(path.join(root, 'src')))
    imports.set(file, found)
  }
  return found
}

function reaches(file: string, targets: readonly string[], seen: Set<string>): boolean {
  if (targets.includes(file)) return true
  if (seen.has(file)) return false
  seen.add(file)
  return importsOf(file).some((one) => reaches(one, targets, seen))
}

const files = globSync('test/{pipeline,stages,cli}/**/*.test.ts', { cwd: root })
  .concat(globSync('test/*.test.ts', { cwd: root }))
  .map((file) => path.join(root, file))
  .filter((file) => !reaches(file, SLOW, new Set()))
  .sort()
if (files.length === 0) throw new Error('There are no such tests.')
const runner = ['--test', '--test-reporter=dot', ...process.argv.slice(2)]
const preload = `--import=${path.join(import.meta.dirname, 'compile-cache.ts')}`
const { status } = spawnSync(process.execPath, [preload, ...runner, ...files], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
