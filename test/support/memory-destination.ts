import { randomUUID } from 'node:crypto'
import type { Commit, Destination, StoredObject, Upload } from '../../src/pipeline/contract/destination.ts'
import type { DigestName } from '../../src/pipeline/contract/digests.ts'
import { abortError, BackupError } from '../../src/pipeline/contract/errors.ts'
import { AckTracker } from '../../src/pipeline/send/ack-tracker.ts'
import { digestOf } from './digest-of.ts'

export interface MemoryDestination extends Destination {
  readonly objects: ReadonlyMap<string, Buffer>
  /** Calls that reached the far side. */
  readonly calls: readonly string[]
  /** Another destination to the same far side, as another process would have it. */
  readonly another: (options?: MemoryOptions) => MemoryDestination
  /** The far side keeps only so many bytes of each upload that is not committed; null: it forgets the upload. */
  readonly lose: (keep: number | null) => void
}

export interface MemoryOptions {
  readonly requestBytes?: number
  /** The digest by which it proves what it holds; the content hash unless told. */
  readonly proof?: DigestName
  /** So many appends at once; it does not tell then what it holds. */
  readonly inFlight?: number
  /** Called before each call; what it throws, the call rejects with. */
  readonly before?: (call: string, n: number) => void | Promise<void>
}

interface Session {
  readonly object: string
  /** What came to a session of several at once, by where it starts. */
  readonly pieces: Map<number, Buffer>
  readonly held: Buffer[]
  /** The object exists, and has been compared with what was promised. */
  isDone: boolean
}

interface Memory {
  readonly objects: Map<string, Buffer>
  readonly uploads: Map<string, Session>
}

const sizeOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

/** The smallest whole destination: it keeps objects in memory. */
export function memoryDestination(name: string, options: MemoryOptions = {}): MemoryDestination {
  return destinationTo({ objects: new Map(), uploads: new Map() }, name, options)
}

function destinationTo(
  far: Memory,
  name: string,
  { requestBytes = 4 << 20, inFlight = 1, proof = 'contentHash', before }: MemoryOptions,
): MemoryDestination {
  const { objects, uploads } = far
  const calls: string[] = []
  const enter = async (call: string, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted === true) throw abortError(signal)
    calls.push(call)
    await before?.(call, calls.length)
  }
  const stored = (object: string): StoredObject | null => {
    const bytes = objects.get(object)
    if (bytes === undefined) return null
    return { id: object, path: `/${object}`, bytes: bytes.length, digest: digestOf(bytes, proof) }
  }
  const open = (token: string, acknowledged: number): { readonly upload: Upload; readonly heldNow: () => number } => {
    const session = (): Session => {
      const found = uploads.get(token)
      if (found !== undefined) return found
      throw new BackupError('E_SESSION', `${name}: the upload is gone.`, { remedy: 'restart' })
    }
    const put = (offset: number, chunks: readonly Uint8Array[]): number => {
      const { held, isDone } = session()
      if (sizeOf(held) !== offset) throw new BackupError('E_OFFSET', `${name}: wrong offset.`, { remedy: 'resume' })
      if (isDone && sizeOf(chunks) > 0) throw new BackupError('E_SESSION', `${name}: done.`, { remedy: 'restart' })
      held.push(...chunks.map((chunk) => Buffer.from(chunk)))
      return sizeOf(held)
    }
    const pieces = new AckTracker(acknowledged)
    const putPiece = async (offset: number, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<number> => {
      if (offset > pieces.highWater) throw new BackupError('E_OFFSET', `${name}: a gap.`, { remedy: 'resume' })
      return await pieces.during(offset, offset + sizeOf(chunks), async () => {
        await enter('append', signal)
        if (session().isDone) throw new BackupError('E_SESSION', `${name}: done.`, { remedy: 'restart' })
        session().pieces.set(offset, Buffer.concat(chunks))
      })
    }
    const join = (): void => {
      const { pieces, held } = session()
      for (const [offset, bytes] of [...pieces].sort(([a], [b]) => a - b)) {
        const have = sizeOf(held)
        if (offset > have) throw new BackupError('E_SESSION', `${name}: bytes are missing.`, { remedy: 'restart' })
        held.push(bytes.subarray(Math.min(bytes.length, have - offset)))
      }
      pieces.clear()
    }
    const heldNow = (): number => {
      const { held, isDone } = session()
      return inFlight > 1 && !isDone ? pieces.held : sizeOf(held)
    }
    const upload: Upload = {
      token,
      requests: { multiple: 1, inFlight, bytes: () => requestBytes },
      async held(signal) {
        await enter('held', signal)
        return heldNow()
      },
      async append(offset, chunks, signal) {
        if (inFlight > 1) return await putPiece(offset, chunks, signal)
        await enter('append', signal)
        return put(offset, chunks)
      },
      async commit(commit: Commit, signal) {
        await enter('commit', signal)
        if (inFlight > 1 && !session().isDone) {
          if (commit.offset > pieces.held) throw new BackupError('E_OFFSET', `${name}: a gap.`, { remedy: 'resume' })
          join()
        }
        put(commit.offset, commit.tail)
        const done = session()
        const { object, held } = done
        objects.set(object, Buffer.concat(held))
        const result = stored(object)
        if (result === null || result.digest !== commit.digests[proof] || result.bytes !== commit.bytes) {
          objects.delete(object)
          throw new BackupError('E_INTEGRITY', `${name}: not what was sent.`)
        }
        done.isDone = true
        return result
      },
      abort() {
        if (uploads.get(token)?.isDone === false) uploads.delete(token)
        return Promise.resolve()
      },
    }
    return { upload, heldNow }
  }
  return {
    name,
    type: 'memory',
    objects,
    calls,
    another: (options = {}) => destinationTo(far, name, { proof, ...options }),
    lose(keep) {
      for (const [token, { held, pieces, isDone }] of uploads) {
        if (isDone) continue
        for (const offset of pieces.keys()) if (offset >= (keep ?? 0)) pieces.delete(offset)
        if (keep === null) uploads.delete(token)
        else held.splice(0, Infinity, Buffer.concat(held).subarray(0, keep))
      }
    },
    traits: { maxObjectBytes: null, digest: proof },
    async signIn(signal) {
      await enter('signIn', signal)
      return { label: name, freeBytes: null }
    },
    async probe(signal) {
      await enter('probe', signal)
    },
    async place(signal) {
      await enter('place', signal)
      return `memory:${name}`
    },
    async begin(object, signal) {
      await enter('begin', signal)
      const token = randomUUID()
      uploads.set(token, { object, held: [], pieces: new Map(), isDone: false })
      return open(token, 0).upload
    },
    async resume(token, acknowledged, signal) {
      await enter('resume', signal)
      if (uploads.has(token)) {
        const { upload, heldNow } = open(token, acknowledged)
        return { upload, held: heldNow() }
      }
      throw new BackupError('E_SESSION', `${name}: the upload is gone.`, { remedy: 'restart' })
    },
    async cancel(token, signal) {
      await enter('cancel', signal)
      uploads.delete(token)
    },
    async stat(object, signal) {
      await enter('stat', signal)
      return stored(object)
    },
    async *list(signal) {
      await enter('list', signal)
      for (const name of objects.keys()) {
        if (signal.aborted) throw abortError(signal)
        const object = stored(name)
        if (object !== null) yield { ...object, name }
        await before?.('entry', calls.length)
      }
    },
    async *read(object, { from, to }, signal) {
      await enter('read', signal)
      const bytes = objects.get(object.id)
      if (bytes === undefined) throw new BackupError('E_DESTINATION', `${name}: ${object.id} is gone.`)
      if (bytes.length < to) throw new BackupError('E_DESTINATION', `${name}: ${object.id} ends before ${to}.`)
      const piece = 64 * 1024
      for (let at = from; at < to; at += piece) {
        if (signal.aborted) throw abortError(signal)
        yield bytes.subarray(at, Math.min(to, at + piece))
        await before?.('chunk', calls.length)
      }
    },
    async remove(object, signal) {
      await enter('remove', signal)
      objects.delete(object.id)
    },
    close: () => Promise.resolve(),
  }
}
