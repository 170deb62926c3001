/**
 * Both services' stand-ins in a process of their own, with the arguments of src/stages/stand-ins/serve.ts. Prints one
 * JSON line with both addresses; tells the parent process on request what came; stops when stdin ends.
 */
import { once } from 'node:events'
import { startBoth } from '../../src/stages/stand-ins/serve.ts'
import type { StandIn } from '../../src/stages/stand-ins/types.ts'
import { answerParent } from './answer-parent.ts'

export interface HeldObject {
  readonly path: string
  readonly bytes: number
  /** By name, as the stand-in computed them. */
  readonly digests: Readonly<Record<string, string>>
}

/** What came to one service. */
export interface Arrived {
  readonly objects: readonly HeldObject[]
  /** Requests of any kind since it was started. */
  readonly requests: number
  /** Bytes of uploads since the last `mark`. */
  readonly bytes: number
  /** When the first of these came, ms since 1970; null: none has. Only where `mark` watches for it. */
  readonly firstAt: number | null
}

export interface ArrivedAtBoth {
  readonly dropbox: Arrived
  readonly googleDrive: Arrived
}

/** `mark`: what comes from now on counts. `watch`: the same, and it is seen to the millisecond when it comes. */
export type Question = 'arrived' | 'mark' | 'watch'

const WATCH_MS = 2

class Watch {
  firstAt: number | null = null
  readonly #standIn: StandIn
  readonly #after: number
  #timer: NodeJS.Timeout | null = null

  constructor(standIn: StandIn, isWatching: boolean) {
    this.#standIn = standIn
    this.#after = standIn.requests.count()
    if (isWatching)
      this.#timer = setInterval(() => {
        this.#look()
      }, WATCH_MS)
  }

  arrived(): Arrived {
    const objects = this.#standIn.objects().map(({ path, bytes, digests }) => ({ path, bytes, digests }))
    return { objects, requests: this.#standIn.requests.count(), bytes: this.#bytes(), firstAt: this.firstAt }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    if (this.#bytes() === 0) return
    this.firstAt = performance.timeOrigin + performance.now()
    this.stop()
  }

  #bytes(): number {
    return this.#standIn.requests
      .latest()
      .filter(({ n, offset }) => n > this.#after && offset !== null)
      .reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

const { dropbox, drive } = await startBoth(process.argv.slice(2))
const watchBoth = (isWatching: boolean): Watch[] => [dropbox, drive].map((standIn) => new Watch(standIn, isWatching))
let watches = watchBoth(false)
answerParent((question) => {
  if (question !== 'arrived') {
    for (const watch of watches) watch.stop()
    watches = watchBoth(question === 'watch')
  }
  const [atDropbox, atDrive] = watches.map((watch) => watch.arrived())
  return { dropbox: atDropbox, googleDrive: atDrive }
})
process.stdout.write(`${JSON.stringify({ dropbox: dropbox.origin, googleDrive: drive.origin })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
for (const watch of watches) watch.stop()
process.disconnect()
await Promise.all([dropbox.close(), drive.close()])
