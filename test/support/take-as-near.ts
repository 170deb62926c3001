/**
 * Loaded before the program (`node --import`), or called in this process. The program sends to a service whose answers
 * take 100 ms in another way, and on a busy machine a stand-in's do: the tests that are not of that take it as near,
 * whatever the machine does.
 */
import { isMainThread } from 'node:worker_threads'
import type { Line } from '../../src/stages/destinations/line.ts'

export function takeAsNear(line: typeof Line): void {
  Object.defineProperty(line.prototype, 'mayBeHighLatency', { get: () => false })
}

/** The module of the program that is started. */
const module = process.env['NEAR_LINE']
if (module !== undefined && isMainThread) takeAsNear(((await import(module)) as { Line: typeof Line }).Line)
