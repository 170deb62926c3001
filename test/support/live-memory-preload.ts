/** Loaded before the program (`node --import`): writes what of its memory is in use, again and again, into LIVE_MEMORY. */
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { collectGarbage } from './collect-garbage.ts'

const file = process.env['LIVE_MEMORY']
// The services are started with the same words.
if (file !== undefined && isMainThread && /cli[\\/]main\.[jt]s$/.test(process.argv[1] ?? '')) {
  const look = (): void => {
    const from = performance.now()
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    appendFileSync(file, `${JSON.stringify({ heapUsed, arrayBuffers })}\n`)
    // The program has most of the time, however long this takes.
    setTimeout(look, Math.max(50, 4 * (performance.now() - from))).unref()
  }
  look()
}
