/**
 * Loaded before the test runner (`node --import`). The programs that tests start, and the test files themselves, keep
 * what Node has made of the sources, and share it: a start takes half of the processor time then. On Windows a test file
 * is skipped when a program that it needs is missing.
 */
import path from 'node:path'

process.env['NODE_COMPILE_CACHE'] ??= path.resolve(import.meta.dirname, '../../node_modules/.cache/compiled')
if (process.platform === 'win32') await import('./skipped-file.ts')
