import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import type http from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { Dropbox } from 'dropbox'
import { gaxios } from 'google-auth-library'

import { createTransport } from '../../../src/stages/http/transport.ts'
import type { RequestBody, Transport, TransportOptions } from '../../../src/stages/http/types.ts'
import { atSomeScale } from '../../support/some-scale.ts'
import { bodyOf, httpServer } from './servers.ts'

const SLICE = 256 * 1024

function transport(t: TestContext, options: TransportOptions = {}): Transport {
  const made = createTransport(options)
  t.after(() => {
    made.close()
  })
  return made
}

/** Answers with what it was sent. */
async function echo(request: http.IncomingMessage, answer: http.ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  answer.end(
    JSON.stringify({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: body.toString('base64'),
    }),
  )
}

interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

test('a body arrives as it was given, with its length, whatever its form and size', async (t) => {
  const server = await httpServer(t, (request, answer) => void echo(request, answer))
  const { fetch } = transport(t)
  const bytes = randomBytes(3 * SLICE + 1)
  const sizes = [0, 1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 1]
  const bodies: [RequestBody, Uint8Array][] = [
    ...sizes.map((size): [RequestBody, Uint8Array] => [bytes.subarray(0, size), bytes.subarray(0, size)]),
    [[], Buffer.alloc(0)],
    [[new Uint8Array(0)], Buffer.alloc(0)],
    [[bytes.subarray(0, 5), new Uint8Array(0), bytes.subarray(5, SLICE), bytes.subarray(SLICE)], bytes],
    ['Größe', Buffer.from('Größe')],
    [new URLSearchParams({ a: 'b c', d: '&' }), Buffer.from('a=b+c&d=%26')],
    [null, Buffer.alloc(0)],
  ]
  for (const [body, expected] of bodies) {
    const answer = await fetch(server.origin, { method: 'POST', body })
    const told = (await answer.json()) as Echo
    assert.deepEqual(Buffer.from(told.body, 'base64'), Buffer.from(expected))
    assert.equal(told.headers['content-length'], String(expected.byteLength))
    assert.equal(told.headers['transfer-encoding'], undefined)
  }
  assert.equal(server.connections(), 1, 'one kept connection serves them all')
})

test('headers are taken in every form that fetch takes', async (t) => {
  const server = await httpServer(t, (request, answer) => void echo(request, answer))
  const { fetch } = transport(t)
  const pairs = [
    ['Dropbox-API-Arg', '{"a":1}'],
    ['Content-Length', '99'],
  ] as const
  for (const headers of [pairs, Object.fromEntries(pairs), new Headers(Object.fromEntries(pairs))]) {
    const told = (await (await fetch(server.origin, { method: 'PUT', headers, body: 'abc' })).json()) as Echo
    assert.equal(told.headers['dropbox-api-arg'], '{"a":1}')
    assert.equal(told.headers['content-length'], '3')
    assert.equal(told.headers['accept-encoding'], 'identity')
  }
})

test('a form is sent as one, and a GET carries no length', async (t) => {
  const server = await httpServer(t, (request, answer) => void echo(request, answer))
  const { fetch } = transport(t)
  const form = (await (await fetch(server.origin, { method: 'POST', body: new URLSearchParams('a=b') })).json()) as Echo
  assert.equal(form.headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8')
  const get = (await (await fetch(server.origin)).json()) as Echo
  assert.equal(get.method, 'GET')
  assert.equal(get.headers['content-length'], undefined)
})

test('a body that could not be sent again is refused', async (t) => {
  const { fetch } = transport(t)
  const stream = new ReadableStream() as unknown as RequestBody
  await assert.rejects(fetch('http://127.0.0.1:1', { method: 'POST', body: stream }), TypeError)
})

test('another origin is called in place of the real one, under the same path, and is told the real host', async (t) => {
  const server = await httpServer(t, (request, answer) => void echo(request, answer))
  const { fetch } = transport(t, { origins: { 'https://content.dropboxapi.com': server.origin } })
  const told = (await (await fetch('https://content.dropboxapi.com/2/files/x?y=1')).json()) as Echo
  assert.equal(told.url, '/2/files/x?y=1')
  assert.equal(told.headers['x-forwarded-host'], 'content.dropboxapi.com')
  assert.equal(told.headers['host'], server.host)
  const direct = (await (await fetch(`${server.origin}/z`)).json()) as Echo
  assert.equal(direct.headers['x-forwarded-host'], undefined)
})

test('every status is an answer: 308 is not followed, 204 and 304 have no body', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    answer.writeHead(Number((request.url ?? '').slice(1)), { Range: 'bytes=0-41', Location: '/elsewhere' }).end()
  })
  const { fetch } = transport(t)
  for (const status of [200, 204, 304, 308, 401, 409, 429, 499, 500, 503, 599]) {
    const answer = await fetch(`${server.origin}/${status}`, { method: 'PUT' })
    assert.ok(answer instanceof Response)
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('range'), 'bytes=0-41')
    assert.equal(await answer.text(), '')
  }
})

test('an answer that nobody reads does not keep its connection', async (t) => {
  const server = await httpServer(t, (_, answer) => answer.end('x'.repeat(5000)))
  await atSomeScale(async (scale) => {
    const before = server.connections()
    const { fetch } = transport(t)
    for (let n = 0; n < 5; n += 1) {
      await fetch(server.origin)
      await new Promise((resolve) => setTimeout(resolve, 20 * scale))
    }
    assert.equal(server.connections(), before + 1)
  })
})

test('a large answer streams, and the server waits for a reader that takes its time', async (t) => {
  const bytes = randomBytes(1 << 20)
  let sent = 0
  const server = await httpServer(t, (_, answer) => {
    sent = 0
    const more = (): void => {
      while (sent < 64) {
        sent += 1
        if (!answer.write(bytes)) {
          answer.once('drain', more)
          return
        }
      }
      answer.end()
    }
    more()
  })
  await atSomeScale(async (scale) => {
    const { fetch } = transport(t, { stallMs: 400 * scale })
    const answer = await fetch(server.origin, { archive: true })
    // Longer than stallMs: it is the reader who rests, not the line.
    await new Promise((resolve) => setTimeout(resolve, 900 * scale))
    assert.ok(sent < 48, `the server got rid of ${sent} MiB of 64`)
    let received = 0
    for await (const chunk of answer.body!) received += (chunk as Uint8Array).byteLength
    assert.equal(received, 64 << 20)
  })
})

test('an answer that comes before the body was sent is the answer', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    answer.writeHead(429, { 'Retry-After': '7', Connection: 'close' }).end('{"reason":"too_many_requests"}')
    request.resume()
  })
  const { fetch } = transport(t)
  const body = Array.from({ length: 8 }, () => Buffer.alloc(4 << 20))
  for (let n = 0; n < 10; n += 1) {
    const answer = await fetch(server.origin, { method: 'POST', body })
    assert.equal(answer.status, 429)
    assert.equal(answer.headers.get('retry-after'), '7')
    assert.equal(await answer.text(), '{"reason":"too_many_requests"}')
  }
})

test('an early answer on a connection that stays open leaves no half request behind', async (t) => {
  const halfway = Promise.withResolvers<Socket>()
  const server = await httpServer(t, (request, answer) => {
    if (request.method === 'GET') {
      answer.end('fine')
      return
    }
    halfway.resolve(request.socket)
    answer.writeHead(401).end('no')
  })
  const { fetch } = transport(t)
  const early = await fetch(server.origin, { method: 'POST', body: Buffer.alloc(32 << 20) })
  assert.equal(early.status, 401)
  assert.equal(await early.text(), 'no')
  const socket = await halfway.promise
  if (!socket.closed) await new Promise((resolve) => socket.resume().once('close', resolve))
  assert.equal(await (await fetch(server.origin)).text(), 'fine')
  assert.equal(server.connections(), 2)
})

test('a long-lived signal gathers no listeners', async (t) => {
  const server = await httpServer(t, (_, answer) => answer.end('ok'))
  const { fetch } = transport(t)
  const { signal } = new AbortController()
  for (let n = 0; n < 3; n += 1) await (await fetch(server.origin, { signal })).text()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('the Dropbox SDK works on it', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    void bodyOf(request).then((body) => {
      answer.setHeader('content-type', 'application/json')
      answer.end(JSON.stringify({ session_id: `${String(request.headers['dropbox-api-arg'])} ${body.toString()}` }))
    })
  })
  const { fetch } = transport(t, { origins: { 'https://content.dropboxapi.com': server.origin } })
  const client = new Dropbox({ accessToken: 'token', fetch })
  const contents = [Buffer.from('one '), Buffer.from('two')]
  const answer = await client.filesUploadSessionStart({ close: false, contents })
  assert.equal(answer.result.session_id, '{"close":false} one two')
})

test('gaxios works on it, 308 included', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    void bodyOf(request).then((body) => {
      answer.writeHead(308, { Range: `bytes=0-${body.byteLength - 1}` }).end()
    })
  })
  const { fetch } = transport(t)
  const answer = await new gaxios.Gaxios({ fetchImplementation: fetch as typeof globalThis.fetch }).request({
    url: server.origin,
    method: 'PUT',
    data: Buffer.alloc(SLICE),
    validateStatus: () => true,
  })
  assert.equal(answer.status, 308)
  assert.equal(answer.headers.get('range'), `bytes=0-${SLICE - 1}`)
})
