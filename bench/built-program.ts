import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

const root = path.resolve(import.meta.dirname, '..')
/** Beside package.json, where the program looks for its version. */
const folder = path.join(root, 'dist-measured')

let building: Promise<string> | null = null

/**
 * The program as it is published, built from what is here now: what is measured is what people run, without the
 * stripping of types, which takes 50 MB and 100 ms. Gives the path of its main module.
 */
export function builtProgram(): Promise<string> {
  building ??= build()
  return building
}

async function build(): Promise<string> {
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
  const options = [
    '-p',
    path.join(root, 'tsconfig.build.json'),
    '--noCheck',
    '--declaration',
    'false',
    '--outDir',
    folder,
  ]
  await promisify(execFile)(process.execPath, [compiler, ...options])
  return path.join(folder, 'cli/main.js')
}
