import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import type { TestContext } from 'node:test'

export interface Listening {
  readonly origin: string
  readonly host: string
  readonly port: number
  /** Connections made so far. */
  connections(): number
}

/** An HTTP server on a free port of this machine, closed with everything on it when the test ends. */
export async function httpServer(t: TestContext, handler: http.RequestListener): Promise<Listening> {
  // It closes no connection by itself: that is the client's part.
  const server = http.createServer({ keepAliveTimeout: 0 }, handler)
  return await listen(t, server)
}

/** A bare TCP server, for what no HTTP server would do. */
export async function tcpServer(t: TestContext, handler: (socket: net.Socket) => void): Promise<Listening> {
  return await listen(t, net.createServer(handler))
}

export async function listen(t: TestContext, server: net.Server): Promise<Listening> {
  const sockets = new Set<net.Socket>()
  let connections = 0
  server.on('connection', (socket: net.Socket) => {
    connections += 1
    sockets.add(socket)
    // A peer that goes away in the middle is the point of many tests.
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  const host = `127.0.0.1:${port}`
  return { origin: `http://${host}`, host, port, connections: () => connections }
}

export async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
