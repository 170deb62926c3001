/**
 * One request and its answer on node:http(s). It goes: connect and send, each step within `stallMs` of the one before;
 * wait for the answer, `answerMs`; read it, `stallMs` again, and unless it is an archive's bytes all of it within
 * `wholeMs` and `answerBytes`. An answer may come while the body is still being sent:
 * sending ends there, the answer is delivered, and the connection, with half a request on it, is not used again.
 */

import type { Agent, IncomingMessage } from 'node:http'
import { answerBody } from './answer-body.ts'
import { http, https } from './node-http.ts'
import { prepareBody, slices } from './request-body.ts'
import type { PreparedBody } from './request-body.ts'
import { toTransportError, TransportError } from './transport-error.ts'
import type { TransportErrorKind } from './transport-error.ts'
import type { TransportRequest } from './types.ts'

const SLICE_BYTES = 256 * 1024
/** Statuses of answers that give the bytes that were asked for. */
const WITH_ARCHIVE = new Set([200, 206])
/** Statuses whose Response may not have a body (Fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304])

export interface ExchangeOptions {
  readonly agent: Agent
  readonly stallMs: number
  readonly answerMs: number
  readonly wholeMs: number
  readonly answerBytes: number
  /** Sent beside the caller's headers. */
  readonly headers: Readonly<Record<string, string>>
  /** Holds a function that stops the exchange for as long as it uses anything. */
  readonly open: Set<() => void>
}

export function exchange(target: URL, request: TransportRequest, options: ExchangeOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const body = prepareBody(request.body)
    const answerMs = request.answerMs ?? options.answerMs
    const client = (target.protocol === 'https:' ? https : http).request(target, {
      method: request.method ?? 'GET',
      headers: requestHeaders(request, body, options.headers),
      agent: options.agent,
      // Bounds the set-up of a proxy's tunnel, which no `destroy` reaches.
      timeout: options.stallMs,
    })
    let message: IncomingMessage | null = null
    let failure: TransportError | null = null
    let ended = false
    let timer: NodeJS.Timeout | undefined
    let deadline: NodeJS.Timeout | undefined

    const end = (): void => {
      ended = true
      clearTimeout(timer)
      clearTimeout(deadline)
      options.open.delete(stop)
      request.signal?.removeEventListener('abort', stop)
      // The answer can be read before Node has noticed that the request's last bytes have left.
      setImmediate(() => {
        if (!client.writableFinished) client.destroy()
      })
    }
    const fail = (error: unknown): void => {
      if (ended) return
      failure = toTransportError(error, target.host)
      end()
      client.destroy()
      message?.destroy(failure)
      reject(failure)
    }
    const failWith = (kind: TransportErrorKind): void => {
      fail(new TransportError(kind, target.host))
    }
    const stop = (): void => {
      failWith('aborted')
    }
    const expect = (ms: number, kind: TransportErrorKind): void => {
      clearTimeout(timer)
      if (!ended) timer = setTimeout(failWith, ms, kind)
    }

    const queue = slices(body.chunks, SLICE_BYTES)
    let next = queue.next()
    const sent = (): void => {
      if (message === null) expect(answerMs, 'unanswered')
    }
    const send = (): void => {
      if (ended || message !== null) return
      expect(options.stallMs, 'stalled')
      const slice = next
      if (slice.done === true) {
        client.end(sent)
        return
      }
      next = queue.next()
      if (next.done === true) client.end(slice.value, sent)
      else client.write(slice.value, proceed)
    }
    const proceed = (error?: Error | null): void => {
      // A failed write is reported by the 'error' event as well.
      if (error === null || error === undefined) send()
    }

    client.on('error', fail)
    client.on('close', () => {
      if (message === null) failWith('cut')
    })
    client.on('response', (incoming) => {
      message = incoming
      const isLimited = request.archive !== true || !WITH_ARCHIVE.has(incoming.statusCode ?? 0)
      let left = isLimited ? options.answerBytes : Infinity
      if (isLimited) deadline = setTimeout(failWith, options.wholeMs, 'unending')
      const stream = answerBody(incoming, {
        waiting: () => {
          expect(options.stallMs, 'stalled')
        },
        arrived: (bytes) => {
          clearTimeout(timer)
          left -= bytes
          if (left < 0) throw new TransportError('oversized', target.host)
        },
        ended: end,
        failed: (error) => {
          fail(error)
          return failure ?? toTransportError(error, target.host)
        },
      })
      try {
        resolve(response(incoming, stream))
      } catch {
        // A status beyond 599, or a header that the Fetch standard does not allow.
        failWith('protocol')
      }
    })

    options.open.add(stop)
    request.signal?.addEventListener('abort', stop)
    if (request.signal?.aborted === true) stop()
    else send()
  })
}

function requestHeaders(
  request: TransportRequest,
  body: PreparedBody,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers = new Headers(request.headers instanceof Headers ? request.headers : entries(request.headers))
  if (body.contentType !== null && !headers.has('content-type')) headers.set('content-type', body.contentType)
  // Answers are taken as they come; the Drive SDK would ask for gzip.
  headers.set('accept-encoding', 'identity')
  headers.delete('content-length')
  const method = request.method ?? 'GET'
  if (body.bytes > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH') {
    headers.set('content-length', String(body.bytes))
  }
  return { ...Object.fromEntries(headers), ...extra }
}

function entries(headers: Exclude<TransportRequest['headers'], Headers>): [string, string][] {
  if (headers === undefined) return []
  return isList(headers) ? headers.map(([name, value]) => [name, value]) : Object.entries(headers)
}

function isList(value: unknown): value is readonly (readonly [string, string])[] {
  return Array.isArray(value)
}

function response(message: IncomingMessage, stream: ReadableStream<Uint8Array>): Response {
  const status = message.statusCode ?? 0
  const headers = new Headers()
  const raw = message.rawHeaders
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '')
  const statusText = message.statusMessage ?? ''
  return new Response(WITHOUT_BODY.has(status) ? null : stream, { status, statusText, headers })
}
