import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../src/pipeline/contract/errors.ts'

const root = path.resolve(import.meta.dirname, '..')

let building: Promise<string> | null = null

/**
 * The program as it is published, built from what is here now: what is measured and tested is what people run. It is
 * built once for each state of the sources, by whichever process asks first. Gives the path of its main module.
 */
export function builtProgram(): Promise<string> {
  building ??= build()
  return building
}

async function build(): Promise<string> {
  // Beside package.json, where the program looks for its version; named by its sources, so it is never stale.
  const folder = path.join(root, `dist-built-${hashOfSources()}`)
  const main = path.join(folder, 'cli/main.js')
  if (existsSync(main)) return main
  await removeOldOnes()
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
  const begun = await mkdtemp(path.join(root, 'dist-begun-'))
  const options = ['-p', path.join(root, 'tsconfig.build.json'), '--noCheck', '--declaration', 'false']
  try {
    await promisify(execFile)(process.execPath, [compiler, ...options, '--outDir', begun])
    // A build that was killed is never seen under the name, and of two at once the first is taken.
    await rename(begun, folder)
  } catch (error) {
    if (!isThere(error)) throw error
  } finally {
    await rm(begun, { recursive: true, force: true })
  }
  return main
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Of sources that are no longer, and builds that were killed. */
async function removeOldOnes(): Promise<void> {
  for (const name of globSync('dist-{built,begun}-*', { cwd: root })) {
    const folder = path.join(root, name)
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Infinity)
    if (age > DAY_MS) await rm(folder, { recursive: true, force: true })
  }
}

function isThere(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(systemCode(error))
}

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const name of globSync(['src/**/*.ts', 'tsconfig*.json', 'package.json'], { cwd: root }).sort()) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(path.join(root, name)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}
