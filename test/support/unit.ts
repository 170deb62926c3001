/**
 * `npm run test:unit`: every test file that needs neither a database server nor the program in a process of its own, by
 * what it imports. The words that follow go to Node's test runner.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import path from 'node:path'
import { filesReachedFrom, ROOT } from './test-imports.ts'

const SLOW = ['mariadb.ts', 'cli.ts', 'lasting-cli.ts'].map((name) => path.join(import.meta.dirname, name))

const files = globSync('test/{pipeline,stages,cli,bench}/**/*.test.ts', { cwd: ROOT })
  .concat(globSync('test/*.test.ts', { cwd: ROOT }))
  .map((file) => path.join(ROOT, file))
  .filter((file) => !SLOW.some((slow) => filesReachedFrom(file).has(slow)))
  .sort()
if (files.length === 0) throw new Error('There are no such tests.')
const runner = ['--test', '--test-reporter=dot', ...process.argv.slice(2)]
const preload = `--import=${new URL('compile-cache.ts', import.meta.url).href}`
const { status } = spawnSync(process.execPath, [preload, ...runner, ...files], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1
