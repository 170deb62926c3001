import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { systemCode } from '../../pipeline/contract/errors.ts'

export interface FileSink {
  write(line: string): void
  /** Returns when everything is on disk. */
  close(): void
}

export interface Rotation {
  /** A file that is this large gives its place to a new one. */
  readonly maxBytes: number
  /** How many earlier files are kept: FILE.1 is the newest. */
  readonly keep: number
}

/**
 * Appends lines to a file, whose folder it makes. Each line is with the system before `write` returns, so that it
 * outlives a crash of the process: what rotates files by way of a stream or a worker would lose the last ones. Never
 * throws: the first failure is reported to `failed`, and what cannot be written is lost. Where the file cannot give its place
 * up (another process has it open, on Windows), it grows until it can.
 */
export function openFileSink(file: string, rotation: Rotation, failed: (message: string) => void): FileSink {
  let told = false
  const attempt = <T>(action: () => T): T | null => {
    try {
      return action()
    } catch (error) {
      // A pipe or device has nothing to bring to disk.
      if (!told && systemCode(error) !== 'EINVAL')
        failed(`The log file ${file} cannot be written (${systemCode(error)}).`)
      told = true
      return null
    }
  }
  const open = (): number | null =>
    attempt(() => {
      mkdirSync(path.dirname(file), { recursive: true })
      return openSync(file, 'a')
    })
  let descriptor = open()
  let bytes = descriptor === null ? 0 : (attempt(() => sizeOf(descriptor)) ?? 0)
  const shut = (): void => {
    const open = descriptor
    descriptor = null
    if (open === null) return
    attempt(() => {
      fsyncSync(open)
    })
    attempt(() => {
      closeSync(open)
    })
  }
  return {
    write(line) {
      const length = Buffer.byteLength(line)
      if (descriptor !== null && bytes > 0 && bytes + length > rotation.maxBytes) {
        shut()
        // When the names cannot be moved on, it is tried again a tenth of the limit later.
        bytes = giveWay(file, rotation.keep) ? 0 : rotation.maxBytes * 0.9
        descriptor = open()
      }
      const to = descriptor
      if (to === null) return
      attempt(() => {
        writeFileSync(to, line)
        bytes += length
      })
    },
    close: shut,
  }
}

/** Only a plain file has a size that counts. */
function sizeOf(descriptor: number | null): number {
  const stat = descriptor === null ? null : fstatSync(descriptor)
  return stat?.isFile() === true ? stat.size : 0
}

/**
 * Moves FILE to FILE.1, FILE.1 to FILE.2 and so on; the oldest goes. From the oldest on, so that a crash in between
 * leaves a gap and loses nothing. False when FILE has to stay.
 */
function giveWay(file: string, keep: number): boolean {
  const numbered = (n: number): string => (n === 0 ? file : `${file}.${n}`)
  try {
    rmSync(numbered(keep), { force: true })
    for (let n = keep - 1; n >= 0; n -= 1) {
      try {
        renameSync(numbered(n), numbered(n + 1))
      } catch (error) {
        if (n === 0 || systemCode(error) !== 'ENOENT') throw error
      }
    }
    return true
  } catch {
    return false
  }
}
