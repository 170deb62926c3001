/**
 * The program of the threads that restore small files (restore-files-whole.ts): they are inflated, proved and written
 * under temporary names here, and get their own names, with plain calls, many files at a time.
 */
import { hash } from 'node:crypto'
import { closeSync, fsyncSync, futimesSync, openSync, rmSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { systemCall, systemCode } from '../../../pipeline/contract/errors.ts'
import { freeNow } from '../../../pipeline/flow/free-now.ts'
import { BadData } from '../../archive/bad-data.ts'
import { unpack } from '../../archive/unpack.ts'
import { setOwnerSync, type WantedOwner } from './owner.ts'
import { replaceFileSync } from './replace.ts'

/** Files to be written. */
export interface WriteRequest {
  /** Shared memory, in which each file's data stand as they are in the archive, from `at` on. */
  readonly batchBuffer: Uint8Array
  readonly files: readonly {
    readonly at: number
    readonly packed: number
    readonly method: number
    readonly size: number
    readonly crc: number
    /** Null: the CRC-32 has to do. */
    readonly sha256: string | null
    readonly temporary: string
    readonly mode: number
    readonly mtimeMs: number
  }[]
}

/** Files that are durable, and get their own names. */
export interface NameRequest {
  readonly names: readonly { readonly temporary: string; readonly final: string; readonly owner: WantedOwner | null }[]
}

/**
 * What became of a file: null, it is done, or it is but could not get its owner. Else nothing of it is there: its data
 * are bad, its SHA-256 is another, or the system said no.
 */
export type Outcome =
  | null
  | { readonly is: 'not-owned' }
  | { readonly is: 'bad'; readonly reason: string }
  | { readonly is: 'other' }
  | { readonly is: 'failed'; readonly code: string; readonly syscall: string; readonly message: string }

function write(batchBuffer: Uint8Array, file: WriteRequest['files'][number]): Outcome {
  let isBegun = false
  let content: Uint8Array | null = null
  try {
    content = unpack(batchBuffer.subarray(file.at, file.at + file.packed), file)
    if (file.sha256 !== null && hash('sha256', content) !== file.sha256) return { is: 'other' }
    const descriptor = openSync(file.temporary, 'wx', file.mode)
    isBegun = true
    try {
      for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at)
      // Of a number below 0, before 1970, Node makes the present time.
      const time = new Date(file.mtimeMs)
      futimesSync(descriptor, time, time)
      if (process.platform === 'win32') fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    return null
  } catch (error) {
    if (isBegun) discard(file.temporary)
    if (error instanceof BadData) return { is: 'bad', reason: error.message }
    return failed(error)
  } finally {
    if (content !== null) freeNow(content)
  }
}

function rename({ temporary, final, owner }: NameRequest['names'][number]): Outcome {
  try {
    const isOwned = owner === null || setOwnerSync(temporary, owner)
    replaceFileSync(temporary, final)
    return isOwned ? null : { is: 'not-owned' }
  } catch (error) {
    discard(temporary)
    return failed(error)
  }
}

/** What cannot be removed has a name that the next restore removes. */
function discard(temporary: string): void {
  try {
    rmSync(temporary, { force: true })
  } catch {
    // In use, by a virus scanner that looks at what is new.
  }
}

/** An error's code does not go from thread to thread with it. */
function failed(error: unknown): Outcome {
  const code = systemCode(error)
  if (code === '' || !(error instanceof Error)) throw error
  return { is: 'failed', code, syscall: systemCall(error), message: error.message }
}

parentPort?.on('message', (request: WriteRequest | NameRequest) => {
  parentPort?.postMessage(
    'batchBuffer' in request
      ? request.files.map((file) => write(request.batchBuffer, file))
      : request.names.map(rename),
  )
})
