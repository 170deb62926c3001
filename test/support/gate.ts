/** A gate before a server, which can be shut: then the server is down for whoever comes by the gate. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export interface Gate {
  readonly port: number
  shut(): Promise<void>
  open(): Promise<void>
}

/** Before the server at this Unix socket; open at first. */
export async function openGate(t: TestContext, socket: string): Promise<Gate> {
  const passing = new Set<Socket>()
  let server: Server | null = null
  let port = 0
  const open = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(socket)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        passing.add(one)
        one
          .on('error', () => undefined)
          .once('close', () => {
            passing.delete(one)
            other.destroy()
          })
        one.pipe(other)
      }
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
  }
  const shut = async (): Promise<void> => {
    const closing = server
    server = null
    if (closing === null) return
    const closed = once(closing, 'close')
    closing.close()
    for (const one of passing) one.destroy()
    await closed
  }
  await open()
  t.after(shut)
  return { port, shut, open }
}
