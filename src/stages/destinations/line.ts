import { lengthOf } from '../../pipeline/flow/chunks.ts'
import type { Transport, TransportRequest } from '../http/types.ts'

/** What is shorter is near: requests of the usual size lose little by waiting for answers. ms. */
const FAR_MS = 100
/** One or two calls may be slow because this machine was busy. */
const LEAST_ANSWERS = 3
/** What a request may lose by waiting for its answer before a larger one is worth its memory. */
const IDLE_SHARE = 0.05
/** A request with less is taken for one that carries nothing, and one with more for one whose bytes count. */
const LITTLE_BYTES = 64 * 1024
const MUCH_BYTES = 1024 * 1024

/**
 * What a destination has learned of the way to its service: how long an answer takes however little was sent, and how
 * fast bytes go. A service that takes one request after the other leaves the line idle for as long as each answer
 * takes.
 */
export class Line {
  #answerMs = Infinity
  #answers = 0
  #msPerByte: number | null = null

  /** The same transport, from whose requests it learns. */
  over(transport: Transport): Transport {
    return {
      fetch: async (url, request) => {
        const from = performance.now()
        const response = await transport.fetch(url, request)
        const ms = performance.now() - from
        const bytes = bytesOf(request)
        if (bytes < LITTLE_BYTES) this.answered(ms)
        // One that is refused may be answered before its bytes were read.
        else if (bytes >= MUCH_BYTES && response.status < 400) this.sent(bytes, ms)
        return response
      },
      close: () => {
        transport.close()
      },
    }
  }

  /** A call that carried next to nothing was answered after so many ms. */
  answered(ms: number): void {
    this.#answers += 1
    this.#answerMs = Math.min(this.#answerMs, ms)
  }

  /** A request with these bytes was answered after so many ms. */
  sent(bytes: number, ms: number): void {
    this.#msPerByte = Math.max(0, ms - this.#latencyMs) / bytes
  }

  /** Whether every answer so far took so long that the line would be idle for a good part of the time. */
  get isHighLatency(): boolean {
    return this.#answers >= LEAST_ANSWERS && this.mayBeHighLatency
  }

  /** The same, for all that is known of it: that may be too little to tell. */
  get mayBeHighLatency(): boolean {
    return this.#answerMs >= FAR_MS
  }

  /** Of sizes that ascend, the first with which a request loses little; the last when none does. In bytes. */
  suits(sizes: readonly [number, ...number[]]): number {
    const msPerByte = this.#msPerByte
    if (!this.isHighLatency || msPerByte === null) return sizes[0]
    const idle = this.#latencyMs
    return sizes.find((bytes) => idle <= IDLE_SHARE * (idle + bytes * msPerByte)) ?? sizes[sizes.length - 1] ?? sizes[0]
  }

  get #latencyMs(): number {
    return this.#answers === 0 ? 0 : this.#answerMs
  }
}

function bytesOf({ body = null }: TransportRequest = {}): number {
  if (body === null || typeof body === 'string' || body instanceof URLSearchParams) return 0
  return body instanceof Uint8Array ? body.length : lengthOf(body)
}
