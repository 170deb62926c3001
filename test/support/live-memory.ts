/** What of a run's memory is in use, from its first quarter to its end. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { tempFolder } from './temp-folder.ts'

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'live-memory-preload.ts')).href

/** Bytes that something refers to: the middle of what was found in a quarter of the run. */
export interface LiveMemory {
  readonly objects: number
  readonly buffers: number
}

export interface WatchedMemory {
  readonly second: LiveMemory
  readonly last: LiveMemory
}

/** Watches the program that `run` starts. */
export async function liveMemory(t: TestContext, run: () => Promise<unknown>): Promise<WatchedMemory> {
  const file = path.join(await tempFolder(t), 'memory')
  const before = process.env['NODE_OPTIONS']
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import=${PRELOAD}`.trim()
  process.env['LIVE_MEMORY'] = file
  try {
    await run()
  } finally {
    delete process.env['LIVE_MEMORY']
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  }
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const found = lines.map((line) => JSON.parse(line) as { heapUsed: number; arrayBuffers: number })
  if (found.length < 16) throw new Error(`It was looked at ${found.length} times, which tells nothing.`)
  const quarter = Math.floor(found.length / 4)
  return { second: middleOf(found.slice(quarter, 2 * quarter)), last: middleOf(found.slice(-quarter)) }
}

function middleOf(found: readonly { heapUsed: number; arrayBuffers: number }[]): LiveMemory {
  const middle = (values: readonly number[]): number =>
    values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN
  return {
    objects: middle(found.map(({ heapUsed }) => heapUsed)),
    buffers: middle(found.map(({ arrayBuffers }) => arrayBuffers)),
  }
}
