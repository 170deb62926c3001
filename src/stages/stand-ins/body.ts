import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { Gone } from './answer.ts'
import type { Pace } from './pace.ts'

export interface BodyOptions {
  /** Every pace that holds the body back. */
  readonly paces: readonly Pace[]
  /** Called once so many bytes have been handed on; what it does not return from stops the body there. */
  readonly stops: readonly { readonly afterBytes: number; readonly reached: () => Promise<void> }[]
  /** Resolves when reading may go on. */
  readonly gate: () => Promise<void>
  readonly signal: AbortSignal
}

/** The body of a request as it comes in. Throws `Gone` when the connection ends before it does. */
export async function* readBody(request: IncomingMessage, options: BodyOptions): AsyncGenerator<Buffer> {
  const stops = options.stops.toSorted((a, b) => a.afterBytes - b.afterBytes)
  let at = 0
  const reachStops = async () => {
    while (stops[0]?.afterBytes === at) await stops.shift()?.reached()
  }
  await options.gate()
  await reachStops()
  for await (const chunk of chunksOf(request)) {
    for (const piece of options.paces.reduce<Iterable<Buffer>>((all, one) => paced(all, one), [chunk])) {
      for (let from = 0; from < piece.length;) {
        const part = piece.subarray(from, from + Math.min(piece.length, (stops[0]?.afterBytes ?? Infinity) - at))
        from += part.length
        at += part.length
        yield part
        for (const one of options.paces) await one.passed(part.length, options.signal)
        await reachStops()
        await options.gate()
      }
    }
  }
}

function* paced(pieces: Iterable<Buffer>, pace: Pace): Generator<Buffer> {
  for (const piece of pieces) yield* pace.pieces(piece)
}

/** The body as it comes, with nothing done to it. Throws `Gone` when the connection ends before it does. */
export async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // Breaking off must not destroy the socket: the answer still has to go out on it.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Buffer
  } catch {
    throw new Gone()
  }
}

/** A door that can be shut: `open()` resolves while it is not. */
export class Gate {
  readonly #events = new EventTarget()
  #shut = false

  shut(): void {
    this.#shut = true
  }

  open(): void {
    this.#shut = false
    this.#events.dispatchEvent(new Event('open'))
  }

  async passes(signal: AbortSignal): Promise<void> {
    while (this.#shut) await once(this.#events, 'open', { signal })
  }
}
