import { createRequire } from 'node:module'

/**
 * This program's version, from its package.json, which lies two folders up from here in the sources and in the build.
 */
export const VERSION: string = (createRequire(import.meta.url)('../../package.json') as { version: string }).version
