import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import https from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'

import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { TransportError } from '../../../src/stages/http/transport-error.ts'
import { createTransport } from '../../../src/stages/http/transport.ts'
import type { Transport, TransportOptions } from '../../../src/stages/http/types.ts'
import { needProgram } from '../../support/needed-programs.ts'
import { atSomeScale } from '../../support/some-scale.ts'
import { httpServer, listen, tcpServer } from './servers.ts'

const SECRET = 'sl.secret-token'
const BODY = Buffer.alloc(8 << 20, 'secret-body ')

function transport(t: TestContext, options: TransportOptions = {}): Transport {
  const made = createTransport(options)
  t.after(() => {
    made.close()
  })
  return made
}

/** Sends 8 MiB with a secret header and gives the error that ends it, after a look for the secrets in it. */
async function failureOf(
  fetch: Transport['fetch'],
  url: string,
  signal: AbortSignal | null = null,
): Promise<TransportError> {
  try {
    const headers = { Authorization: `Bearer ${SECRET}` }
    await (await fetch(url, { method: 'POST', headers, body: BODY, signal })).text()
  } catch (error) {
    assert.ok(error instanceof TransportError, inspect(error))
    assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /secret/)
    return error
  }
  assert.fail('an answer came')
}

test('a connection that is cut at any point of a request is told as cut, with the host', async (t) => {
  const cutAfter = [0, 1, 200, 70_000, 4 << 20]
  for (const bytes of cutAfter) {
    for (const how of ['end', 'reset'] as const) {
      const server = await tcpServer(t, (socket) => {
        let received = 0
        const look = (): void => {
          if (received < bytes) return
          if (how === 'end') socket.destroy()
          else socket.resetAndDestroy()
        }
        socket.on('data', (chunk) => {
          received += chunk.byteLength
          look()
        })
        look()
      })
      const failure = await failureOf(transport(t).fetch, server.origin)
      assert.equal(failure.kind, 'cut', `${how} after ${bytes}`)
      assert.equal(failure.host, server.host)
      assert.match(failure.message, /127\.0\.0\.1/)
    }
  }
})

test('a connection that is cut inside the answer fails the reading of it', async (t) => {
  const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n'
  for (const text of ['HTTP/1.1 2', 'HTTP/1.1 200 OK\r\nConte', begun, `${begun}${'x'.repeat(100_000)}`]) {
    const server = await tcpServer(t, (socket) => {
      socket.once('data', () => socket.end(text))
    })
    const { fetch } = transport(t)
    const reading = fetch(server.origin).then((answer) => answer.text())
    await assert.rejects(reading, (error) => error instanceof TransportError && error.kind === 'cut')
  }
})

test('a kept connection that the server has closed meanwhile is told as cut, and the next request goes through', async (t) => {
  const server = await tcpServer(t, (socket) => {
    let requests = 0
    socket.on('data', () => {
      requests += 1
      // The second request on a connection meets a server that has given it up.
      if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.resetAndDestroy()
    })
  })
  await atSomeScale(async (scale) => {
    const before = server.connections()
    const { fetch } = transport(t)
    assert.equal(await (await fetch(server.origin)).text(), 'ok')
    await new Promise((resolve) => setTimeout(resolve, 20 * scale))
    await assert.rejects(fetch(server.origin, { method: 'POST' }), { kind: 'cut' })
    assert.equal(await (await fetch(server.origin, { method: 'POST' })).text(), 'ok')
    assert.equal(server.connections(), before + 2)
  })
})

test('a server that stops reading is told as stalled', async (t) => {
  const server = await tcpServer(t, (socket) => {
    socket.once('data', () => socket.pause())
  })
  const { fetch } = transport(t, { stallMs: 150, answerMs: 60_000 })
  assert.equal((await failureOf(fetch, server.origin)).kind, 'stalled')
})

test('a server that reads everything and stays silent is told as unanswered, after a deadline of its own', async (t) => {
  const server = await httpServer(t, (request) => request.resume())
  const slow = transport(t, { stallMs: 60_000, answerMs: 100 })
  assert.equal((await failureOf(slow.fetch, server.origin)).kind, 'unanswered')
  await atSomeScale(async (scale) => {
    const patient = transport(t, { stallMs: 50 * scale, answerMs: 60_000 })
    await assert.rejects(patient.fetch(server.origin, { answerMs: 100 * scale }), { kind: 'unanswered' })
  })
})

test('a server that stops in the middle of its answer is told as stalled', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    request.resume().on('end', () => answer.write('half'))
  })
  const { fetch } = transport(t, { stallMs: 100 })
  assert.equal((await failureOf(fetch, server.origin)).kind, 'stalled')
})

test('a slow line that moves is not a stall', async (t) => {
  let msForMib = 0
  const server = await httpServer(t, (request, answer) => {
    // Reads 1 MiB in a quarter of stallMs: 8 MiB take longer than stallMs.
    request.on('data', (chunk: Buffer) => {
      request.pause()
      setTimeout(() => request.resume(), (msForMib * chunk.byteLength) / (1 << 20))
    })
    request.on('end', () => answer.end('all'))
  })
  await atSomeScale(async (scale) => {
    msForMib = 100 * scale
    const { fetch } = transport(t, { stallMs: 400 * scale })
    assert.equal(await (await fetch(server.origin, { method: 'POST', body: BODY })).text(), 'all')
  })
})

test('where nothing listens, and what no name server knows, is told apart', async (t) => {
  const server = await tcpServer(t, () => undefined)
  const gone = await new Promise<string>((resolve) => {
    const closed = https.createServer().listen(0, '127.0.0.1', () => {
      const { port } = closed.address() as { port: number }
      closed.close(() => {
        resolve(`127.0.0.1:${port}`)
      })
    })
  })
  assert.notEqual(gone, server.host)
  const { fetch } = transport(t)
  const refused = await failureOf(fetch, `http://${gone}`)
  assert.equal(refused.kind, 'refused')
  assert.equal(refused.host, gone)
  assert.equal((await failureOf(fetch, 'http://no-such-host.invalid/')).kind, 'dns')
})

test('what is no HTTP is told as such', async (t) => {
  for (const text of ['SSH-2.0-OpenSSH\r\n', 'HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n']) {
    const server = await tcpServer(t, (socket) => {
      socket.once('data', () => socket.end(text))
    })
    await assert.rejects(transport(t).fetch(server.origin), { kind: 'protocol' })
  }
})

test('a certificate that is not trusted is told as such', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'transport-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
  try {
    execFileSync(needProgram('openssl'), args, { stdio: 'ignore' })
  } catch {
    t.skip('openssl is not here to make a certificate')
    return
  }
  const server = await listen(t, https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }))
  const { fetch } = transport(t)
  const failure = await failureOf(fetch, `https://localhost:${server.port}/`)
  assert.equal(failure.kind, 'tls')
  assert.equal(failure.host, `localhost:${server.port}`)
  const proxy = await tcpServer(t, (socket) => {
    socket.once('data', () => {
      const tunnel = connect(server.port, '127.0.0.1')
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(tunnel).pipe(socket)
    })
  })
  const tunnelled = withEnvironment(t, { HTTPS_PROXY: proxy.origin })
  assert.equal((await failureOf(tunnelled.fetch, 'https://far.invalid/')).kind, 'tls')
  const plain = await httpServer(t, (_, answer) => answer.end())
  assert.equal((await failureOf(fetch, `https://${plain.host}/`)).kind, 'protocol')
})

test('an aborted signal stops a request before, while and after it is answered', async (t) => {
  const server = await httpServer(t, (request, answer) => {
    if (request.url === '/begun') answer.write('half')
  })
  const { fetch } = transport(t)
  assert.equal((await failureOf(fetch, server.origin, AbortSignal.abort())).kind, 'aborted')
  assert.equal((await failureOf(fetch, server.origin, AbortSignal.timeout(50))).kind, 'aborted')
  assert.equal((await failureOf(fetch, `${server.origin}/begun`, AbortSignal.timeout(50))).kind, 'aborted')
})

test('closing the transport fails what is under way and what comes later', async (t) => {
  const server = await httpServer(t, () => undefined)
  const closed = transport(t)
  const failing = assert.rejects(closed.fetch(server.origin), { kind: 'aborted' })
  setTimeout(() => {
    closed.close()
  }, 20)
  await failing
  await assert.rejects(closed.fetch(server.origin), { kind: 'aborted' })
})

/** Sets environment variables for the making of one transport. */
function withEnvironment(
  t: TestContext,
  variables: Readonly<Record<string, string>>,
  options: TransportOptions = {},
): Transport {
  const before = { ...process.env }
  try {
    Object.assign(process.env, variables)
    return transport(t, options)
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = before[name]
    }
  }
}

test('the environment names the proxy, and this machine is reached without it', async (t) => {
  const proxy = await httpServer(t, (request, answer) => {
    request.resume()
    answer.end(`through the proxy: ${String(request.url)}`)
  })
  const direct = await httpServer(t, (_, answer) => answer.end('direct'))
  const { fetch } = withEnvironment(t, { HTTP_PROXY: proxy.origin, NO_PROXY: 'intranet.invalid' })
  assert.equal(await (await fetch('http://far.invalid/a')).text(), 'through the proxy: http://far.invalid/a')
  assert.equal(await (await fetch(direct.origin)).text(), 'direct')
  await assert.rejects(fetch('http://intranet.invalid/'), { kind: 'dns' })
})

test('a proxy that refuses or stays silent is told, without its password, and let go of', async (t) => {
  const answers = ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', '']
  for (const answer of answers) {
    const left = Promise.withResolvers<undefined>()
    const proxy = await tcpServer(t, (socket) => {
      socket.on('close', () => {
        left.resolve(undefined)
      })
      socket.once('data', () => {
        if (answer !== '') socket.write(answer)
      })
    })
    const address = `http://user:secret-password@${proxy.host}`
    const { fetch } = withEnvironment(t, { HTTPS_PROXY: address }, { stallMs: 150 })
    const failure = await failureOf(fetch, 'https://content.dropboxapi.com/')
    if (answer !== '') assert.equal(failure.kind, 'proxy')
    else assert.ok(failure.kind === 'stalled' || failure.kind === 'proxy', failure.kind)
    await left.promise
  }
})

test('closing the transport lets go of a tunnel that a proxy has not made yet', async (t) => {
  const left = Promise.withResolvers<undefined>()
  const asked = Promise.withResolvers<undefined>()
  const proxy = await tcpServer(t, (socket) => {
    socket.once('data', () => {
      asked.resolve(undefined)
    })
    socket.on('close', () => {
      left.resolve(undefined)
    })
  })
  const closed = withEnvironment(t, { HTTPS_PROXY: proxy.origin })
  const failing = assert.rejects(closed.fetch('https://content.dropboxapi.com/'), { kind: 'aborted' })
  await asked.promise
  closed.close()
  await failing
  await left.promise
})

test('a proxy address that cannot be read is a fault of the configuration, told without the address', (t) => {
  assert.throws(
    () => withEnvironment(t, { HTTPS_PROXY: 'http://user:secret@:::' }),
    (error) => error instanceof BackupError && error.code === 'E_CONFIG' && !inspect(error).includes('secret'),
  )
})
