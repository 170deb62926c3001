import { drawnInPlace } from './in-place.ts'
import { formatBytes, formatFiles } from './format.ts'
import type { TextStream } from './style.ts'

const EVERY_MS = 200

/** A line that says how far a dry run has looked, drawn in place on a terminal; nothing elsewhere. */
export interface Looking {
  readonly onProgress: (files: number, bytes: number) => void
  /** Takes the line away. */
  readonly stop: () => void
}

export function lookingLine(stream: TextStream, now: () => number = Date.now): Looking {
  if (stream.isTTY !== true) return { onProgress: () => undefined, stop: () => undefined }
  const update = drawnInPlace(stream, { showCursor: true })
  let drawnAt = -Infinity
  return {
    onProgress(files, bytes) {
      if (now() - drawnAt < EVERY_MS) return
      drawnAt = now()
      update(`Scanning the archive folder: ${formatFiles(files)}, ${formatBytes(bytes)}`)
    },
    stop: () => {
      update.clear()
      update.done()
    },
  }
}
