import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { systemCode } from '../../pipeline/errors.ts'

export interface FileSink {
  write(line: string): void
  /** Returns when everything is on disk. */
  close(): void
}

/**
 * Appends lines to a file, whose folder it makes. Each line is with the system before `write` returns, so that it
 * outlives a crash of the process. Never throws: the first failure is told to `failed`, and what cannot be written is
 * lost.
 */
export function openFileSink(file: string, failed: (message: string) => void): FileSink {
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
  const descriptor = attempt(() => {
    mkdirSync(path.dirname(file), { recursive: true })
    return openSync(file, 'a')
  })
  return {
    write(line) {
      if (descriptor !== null)
        attempt(() => {
          writeFileSync(descriptor, line)
        })
    },
    close() {
      if (descriptor === null) return
      attempt(() => {
        fsyncSync(descriptor)
      })
      attempt(() => {
        closeSync(descriptor)
      })
    },
  }
}
