/** What both stand-ins share: an HTTP server on the loopback whose requests run under a fault script. */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises'
import { Gone, Refusal, text } from './answer.ts'
import type { Answer } from './answer.ts'
import { Gate } from './body.ts'
import { Exchange, pointOf } from './exchange.ts'
import { FaultScript } from './faults.ts'
import { pace } from './pace.ts'
import { RequestLog } from './request-log.ts'
import type { ServerOptions } from './types.ts'

export interface Route {
  readonly name: string
  run(exchange: Exchange): Promise<Answer>
}

export interface Service {
  /** The route of a request; one that nothing fits answers 404 or 405 itself. */
  route(method: string, url: URL, request: IncomingMessage): Route
  /** Headers of every answer. */
  headers(): Readonly<Record<string, string>>
  /** Does what a fault asks of the service as a whole. */
  expireTokens(): void
  fillQuota(): void
}

/** The route of token requests, which a rate limit (`forMs`) leaves alone. */
export const TOKEN_ROUTE = 'token'

export class StandInServer {
  readonly faults: FaultScript
  readonly requests = new RequestLog()
  readonly gate = new Gate()
  readonly clock: () => number
  readonly #service: Service
  readonly #server: Server
  readonly #latencyMs: number
  readonly #pace
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #stale = new WeakSet<Socket>()
  #refuseUntil = { ms: -Infinity, fault: null as { readonly answer: Answer } | null }
  #problem: unknown = null

  constructor(service: Service, options: ServerOptions) {
    this.#service = service
    this.faults = new FaultScript(options.faults ?? [])
    this.clock = options.clock ?? Date.now
    this.#latencyMs = options.latencyMs ?? 0
    this.#pace = pace(options.bytesPerSecond ?? null)
    // No deadlines of the server's own: what is slow here is slow on purpose.
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
      const running = this.#serve(request, response).finally(() => this.#running.delete(running))
      this.#running.add(running)
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends every connection. Rejects when a request failed for a fault in the stand-in itself. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.gate.open()
    if (this.#server.listening) {
      const closed = once(this.#server, 'close')
      this.#server.close()
      this.#server.closeAllConnections()
      await closed
    }
    await Promise.all(this.#running)
    if (this.#problem !== null) throw new Error('A stand-in failed by itself.', { cause: this.#problem })
  }

  /** Resolves when nothing is under way any more. Whoever sends must have ended. */
  async idle(): Promise<void> {
    await immediate()
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stale.has(request.socket)) {
      request.socket.resetAndDestroy()
      return
    }
    const ended = new AbortController()
    response.once('close', () => {
      ended.abort()
    })
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const route = this.#service.route(request.method ?? 'GET', url, request)
    const exchange = new Exchange({
      request,
      response,
      url,
      record: this.requests.open(route.name),
      faults: this.faults.match(route.name),
      pace: this.#pace,
      gate: this.gate,
      signal: AbortSignal.any([ended.signal, this.#closing.signal]),
    })
    try {
      const answer = await this.#answer(route, exchange)
      if (answer !== null) await this.#send(answer, exchange, response)
    } catch (error) {
      if (error instanceof Gone || exchange.signal.aborted) exchange.end(error instanceof Gone ? error.how : 'close')
      else {
        this.#problem ??= error
        await this.#send(text(500, `The stand-in failed: ${String(error)}`), exchange, response)
      }
    }
  }

  /** Null: it went out early. */
  async #answer(route: Route, exchange: Exchange): Promise<Answer | null> {
    if (exchange.take('expired') !== null) this.#service.expireTokens()
    if (exchange.take('quota-full') !== null) this.#service.fillQuota()
    for (const { fault } of exchange.armed('answer')) {
      if (fault.forMs !== undefined) this.#refuseUntil = { ms: this.clock() + fault.forMs, fault }
    }
    try {
      await exchange.at('arrival')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      exchange.answerEarly(error.answer)
      return null
    }
    try {
      const { ms, fault } = this.#refuseUntil
      const own = exchange.armed('answer').some((armed) => pointOf(armed.fault) !== 'after-commit')
      if (fault !== null && route.name !== TOKEN_ROUTE && this.clock() < ms && !own) throw new Refusal(fault.answer)
      const answer = await route.run(exchange)
      await exchange.at('after-commit')
      return answer
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await exchange.drain()
      return error.answer
    }
  }

  async #send(answer: Answer, exchange: Exchange, response: ServerResponse): Promise<void> {
    if (this.#latencyMs > 0) await wait(this.#latencyMs, undefined, { signal: exchange.signal })
    const cut = exchange.take('truncated') !== null
    const { body = '', reason } = answer
    const headers = { ...this.#service.headers(), ...answer.headers }
    exchange.record.status = answer.status
    if (exchange.take('idle-close') !== null) this.#stale.add(response.req.socket)
    if (typeof body === 'string') {
      const bytes = Buffer.from(body)
      const sent = cut ? bytes.subarray(0, bytes.length >> 1) : bytes
      response.writeHead(answer.status, reason, { ...headers, 'content-length': sent.length })
      response.end(sent)
      return
    }
    response.writeHead(answer.status, reason, { ...headers, 'content-length': body.bytes })
    await pipeline(this.#outgoing(body.chunks, exchange), response)
  }

  /** A download's bytes, paced and cut like an upload's. */
  async *#outgoing(chunks: AsyncIterable<Uint8Array>, exchange: Exchange): AsyncGenerator<Uint8Array> {
    const slow = exchange.take('slow')
    const paces = slow === null ? [this.#pace] : [this.#pace, pace(slow.bytesPerSecond)]
    const [cut] = exchange.armed('cut')
    let left = cut?.fault.afterBytes ?? Infinity
    for await (const chunk of chunks) {
      await this.gate.passes(exchange.signal)
      const piece = chunk.subarray(0, left)
      left -= piece.length
      yield piece
      for (const one of paces) await one.passed(piece.length, exchange.signal)
      if (left > 0) continue
      cut?.fire()
      // What was written goes out before the reset only if it gets the time.
      await wait(20)
      throw new Gone('reset')
    }
  }
}
