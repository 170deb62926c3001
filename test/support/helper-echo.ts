/** A helper's program for the tests: gives a number back doubled, fills shared bytes, and ends when it is told. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (message: number | Uint8Array | 'fail') => {
  if (message === 'fail') throw new Error('told to fail')
  if (typeof message !== 'number') message.fill(7)
  parentPort?.postMessage(typeof message === 'number' ? 2 * message : null)
})
