import type { RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { https } from './node-http.ts'

/**
 * https.Agent that lets go of a proxy's connection. Node's own forgets the connection to a proxy that refuses the
 * tunnel, and knows of one that has no tunnel yet only when it is there; either would keep the process alive.
 */
export class HttpsAgent extends https.Agent {
  readonly #sockets = new Set<Duplex>()

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const made = super.createConnection(options, (error, socket) => {
      if (error !== null) made?.destroy()
      callback?.(error, socket)
    })
    if (made !== null && made !== undefined) {
      this.#sockets.add(made)
      made.once('close', () => this.#sockets.delete(made))
    }
    return made
  }

  override destroy(): void {
    super.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}
