/**
 * The only way out of the process: stdout for results, stderr for people. What cannot be written (a full disk, a reader
 * that has gone) stops no command, and is known at its end.
 */
import { fstatSync, writeFileSync } from 'node:fs'
import { systemCode } from '../pipeline/contract/errors.ts'
import { visibleLayout } from '../stages/log/visible.ts'
import type { TextStream } from './display/style.ts'

export type Channel = 'stdout' | 'stderr'

/** Those that something was asked of: Node makes a stream when it is first named, which takes a short command's time. */
const opened = new Map<Channel, TextStream>()

/** Streams for `styleOf`, and for displays that draw in place; all else goes through `write`. */
export const streams: Readonly<Record<Channel, TextStream>> = {
  get stdout() {
    return streamOf('stdout')
  },
  get stderr() {
    return streamOf('stderr')
  },
}

function streamOf(channel: Channel): TextStream {
  const known = opened.get(channel)
  if (known !== undefined) return known
  const stream = process[channel]
  opened.set(channel, stream)
  // Without a listener a stream that fails would end the process in the middle of its work.
  stream.on('error', (error) => {
    failed(channel, error)
  })
  return stream
}

const DESCRIPTORS: Readonly<Record<Channel, number>> = { stdout: 1, stderr: 2 }

/** The system's code of the first failure. */
const failures = new Map<Channel, string>()

const failed = (channel: Channel, error: unknown): void => {
  if (!failures.has(channel)) failures.set(channel, systemCode(error) || 'unknown')
}

/** Resolves when all of it is written, or cannot be. Never rejects. */
export async function write(channel: Channel, text: string): Promise<void> {
  const shown = visibleLayout(text)
  if (shown === '' || failures.has(channel)) return
  if (isFile(channel)) {
    // Node's stream takes half a write, on a disk that just became full, for a whole one.
    try {
      writeFileSync(DESCRIPTORS[channel], shown)
    } catch (error) {
      failed(channel, error)
    }
    return
  }
  await sent(channel, shown)
}

function sent(channel: Channel, text: string): Promise<void> {
  return new Promise((resolve) => {
    streams[channel].write(text, (error) => {
      if (error !== null && error !== undefined) failed(channel, error)
      resolve()
    })
  })
}

/** Neither a terminal nor a pipe: a write there is done when the call returns. */
function isFile(channel: Channel): boolean {
  if (streams[channel].isTTY === true) return false
  try {
    const stat = fstatSync(DESCRIPTORS[channel])
    return stat.isFile() || (stat.isCharacterDevice() && process.platform !== 'win32')
  } catch {
    return false
  }
}

/**
 * Whether everything could be written. What could not is reported on the other channel, except for a reader that went
 * away: it has no use for it.
 */
export async function allWritten(): Promise<boolean> {
  // What displays have written, and what nobody waited for.
  const open = [...opened.keys()].filter((one) => !failures.has(one) && !isFile(one))
  await Promise.all(open.map((one) => sent(one, '')))
  const code = failures.get('stdout')
  if (code !== undefined && code !== 'EPIPE') {
    await write('stderr', `The output could not be written to standard output (${code}).\n`)
  }
  return failures.size === 0
}
