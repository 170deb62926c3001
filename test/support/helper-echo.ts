/** A helper's program for the tests: gives a number back doubled, fills shared bytes, and ends in the way it is told. */
import { parentPort } from 'node:worker_threads'

/** 'fail': throws; 'exit': ends its thread; 'fill': uses up its memory. */
type Message = number | Uint8Array | 'fail' | 'exit' | 'fill'

parentPort?.on('message', (message: Message) => {
  if (message === 'fail') throw new Error('told to fail')
  if (message === 'exit') process.exit(1)
  if (message === 'fill') for (const all: unknown[] = []; ;) all.push(Array.from({ length: 1000 }, () => ({})))
  if (typeof message !== 'number') message.fill(7)
  parentPort?.postMessage(typeof message === 'number' ? 2 * message : null)
})
