import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { builtProgram } from '../../bench/built-program.ts'

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'take-as-near.ts')).href

/** The environment in which the built program takes every service as near (take-as-near.ts). */
export async function nearServices(env: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
  const line = new URL('../stages/destinations/line.js', pathToFileURL(await builtProgram()))
  const options = [env['NODE_OPTIONS'] ?? process.env['NODE_OPTIONS'] ?? '', `--import=${PRELOAD}`]
  return { ...env, NODE_OPTIONS: options.join(' ').trim(), NEAR_LINE: line.href }
}
