/** One request under its faults. Handlers read the body through it and tell it where they are. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Gone, Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import { chunksOf, readBody } from './body.ts'
import type { Gate } from './body.ts'
import type { Armed, FaultKind, FaultOf, Point } from './faults.ts'
import { pace } from './pace.ts'
import type { Pace } from './pace.ts'
import type { OpenRecord } from './request-log.ts'

export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly record: OpenRecord
  readonly faults: readonly Armed[]
  readonly pace: Pace
  readonly gate: Gate
  /** Aborts when the connection ends or the stand-in closes. */
  readonly signal: AbortSignal
}

/** A body that is not an upload's, such as a JSON argument, may have this many bytes. */
const LONGEST_TEXT = 1024 * 1024

export class Exchange {
  readonly url: URL
  readonly record: OpenRecord
  readonly signal: AbortSignal
  readonly #parts: ExchangeParts
  #reading = false

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    this.url = parts.url
    this.record = parts.record
    this.signal = parts.signal
  }

  header(name: string): string | null {
    const value = this.#parts.request.headers[name]
    return typeof value === 'string' ? value : null
  }

  /** The Content-Length; null when the body is chunked. */
  get length(): number | null {
    const given = this.header('content-length')
    if (given !== null) return Number(given)
    return this.header('transfer-encoding') === null ? 0 : null
  }

  /** The faults of a kind that are scripted for this request. */
  armed<K extends FaultKind>(kind: K): { readonly fault: FaultOf<K>; readonly fire: () => void }[] {
    return this.#parts.faults.filter((one): one is Armed & { fault: FaultOf<K> } => one.fault.kind === kind)
  }

  /** The scripted fault of a kind, which takes effect with this call; null when there is none. */
  take<K extends FaultKind>(kind: K): FaultOf<K> | null {
    const [armed] = this.armed(kind)
    armed?.fire()
    return armed?.fault ?? null
  }

  /**
   * When the script lets this request fail before its commit: how many bytes of its body are kept nevertheless. `unit`
   * is what `some` is rounded to. Null: no such failure.
   */
  keptOnFailure(unit: number): number | null {
    const { length } = this
    for (const { fault } of this.#parts.faults) {
      let received: number | null = null
      if (fault.kind === 'cut' && (length === null || fault.afterBytes <= length)) received = fault.afterBytes
      if (
        (fault.kind === 'answer' || fault.kind === 'lost' || fault.kind === 'hang') &&
        pointOf(fault) === 'before-commit'
      )
        received = length ?? Infinity
      if (received === null) continue
      const keep = 'keep' in fault ? fault.keep : 'none'
      if (keep === 'all') return received
      return keep === 'some' ? about(received / 2, unit, received) : 0
    }
    return null
  }

  /** The request's body, once. Throws `Gone` when the connection ends before it does. */
  async *body(): AsyncGenerator<Buffer> {
    this.#reading = true
    const slow = this.armed('slow').map(({ fault, fire }) => {
      fire()
      return pace(fault.bytesPerSecond)
    })
    const cuts = this.armed('cut').map(({ fault, fire }) => ({
      afterBytes: fault.afterBytes,
      reached: () => {
        fire()
        return Promise.reject(new Gone('reset'))
      },
    }))
    const stalls = this.armed('stall').map(({ fault, fire }) => ({
      afterBytes: fault.afterBytes,
      reached: () => {
        fire()
        return this.#forEver()
      },
    }))
    const { request, gate, signal } = this.#parts
    const options = {
      paces: [this.#parts.pace, ...slow],
      stops: [...cuts, ...stalls],
      gate: () => gate.passes(signal),
      signal,
    }
    for await (const chunk of readBody(request, options)) {
      this.record.bytes += chunk.length
      yield chunk
    }
  }

  /** Reads what is left of the body and forgets it. */
  async drain(): Promise<void> {
    if (this.#reading) for await (const chunk of chunksOf(this.#parts.request)) this.record.bytes += chunk.length
    else for await (const _ of this.body());
  }

  /** A short body as text. */
  async text(): Promise<string> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of this.body()) {
      bytes += chunk.length
      if (bytes <= LONGEST_TEXT) chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  /** Says that the request has come to `point`. Throws what a fault makes of it: another answer, or `Gone`. */
  async at(point: Point): Promise<void> {
    for (const { fault, fire } of this.#parts.faults) {
      if (fault.kind === 'delay' && pointOf(fault) === point) {
        fire()
        await wait(fault.ms, undefined, { signal: this.signal })
      } else if (fault.kind === 'held' && pointOf(fault) === point) {
        fire()
        await Promise.race([fault.until, this.#forEver()])
      } else if (fault.kind === 'hang' && pointOf(fault) === point) {
        fire()
        await this.#forEver()
      } else if (fault.kind === 'lost' && pointOf(fault) === point) {
        fire()
        throw new Gone()
      } else if (fault.kind === 'answer' && pointOf(fault) === point) {
        fire()
        throw new Refusal(fault.answer)
      }
    }
  }

  /** Ends the connection, in order or with a reset. */
  end(how: Gone['how']): void {
    if (how === 'reset') this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** Writes an answer while the body is still coming in, unread, and closes. */
  answerEarly(answer: Answer): void {
    const socket = this.#socket
    const body = typeof answer.body === 'string' ? answer.body : ''
    const lines = Object.entries({ ...answer.headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
    const head = lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')
    // Destroying the socket at once would make a reset of the unread bytes and could take the answer away with it.
    const linger = setTimeout(() => socket.destroy(), 1000)
    socket.once('close', () => {
      clearTimeout(linger)
    })
    socket.end(`HTTP/1.1 ${answer.status} Early\r\n${head}\r\n${body}`)
    this.record.status = answer.status
  }

  get #socket(): Socket {
    return this.#parts.request.socket
  }

  async #forEver(): Promise<never> {
    if (!this.signal.aborted) {
      await new Promise((resolve) => {
        this.signal.addEventListener('abort', resolve, { once: true })
      })
    }
    throw new Gone()
  }
}

export function pointOf(fault: { readonly at?: Point }): Point {
  return fault.at ?? 'before-commit'
}

/** `bytes` rounded up to whole units, but no more of them than `received` holds. */
function about(bytes: number, unit: number, received: number): number {
  return Math.min(Math.ceil(bytes / unit) * unit, Math.floor(received / unit) * unit)
}
