/** Bytes that were sent more than once, for each destination. */
import assert from 'node:assert/strict'
import type { RunResult } from '../../src/stages/contract/results.ts'
import type { Rig } from './rig.ts'
import type { RequestBytes } from './small-rig.ts'
import { traffic, type Traffic } from './traffic.ts'

export const DESTINATIONS = ['dropbox', 'drive', 'nas'] as const

export interface Repeated {
  /** The folder's are those of the last start only: what came to it before nobody counts. */
  readonly repeated: RequestBytes
  /** How many may be: one request for each kill. */
  readonly allowed: RequestBytes
}

export interface RepeatedInput {
  readonly rig: Rig
  readonly kills: number
  readonly requestBytes: RequestBytes
  /** What had arrived when the last run was started. */
  readonly before: Traffic
  /** Bytes of the archive. */
  readonly bytes: number
  /** Of the last run; null when it was recorded as done before it was killed. */
  readonly result: RunResult | null
}

/** Measures it, and holds the result's `bytesSent` against what the services counted. */
export function repeatedBytes({ rig, kills, requestBytes, before, bytes, result }: RepeatedInput): Repeated {
  const sentTo = (type: string): number =>
    result?.destinations.find((destination) => destination.type === type)?.bytesSent ?? NaN
  const all = traffic(rig)
  if (result !== null) {
    const last = traffic(rig, before)
    assert.equal(sentTo('dropbox'), last.dropbox, 'bytesSent is what Dropbox received')
    assert.equal(sentTo('google-drive'), last.drive, 'bytesSent is what Drive received')
  }
  return {
    repeated: {
      dropbox: all.dropbox - bytes,
      drive: all.drive - bytes,
      nas: result === null ? 0 : before.nas + sentTo('local') - bytes,
    },
    allowed: {
      dropbox: kills * requestBytes.dropbox,
      drive: kills * requestBytes.drive,
      nas: kills === 0 ? 0 : requestBytes.nas,
    },
  }
}

export function mustBeAllowed({ repeated, allowed }: Repeated): void {
  for (const destination of DESTINATIONS) {
    const text = `${destination} was sent ${repeated[destination]} bytes again, ${allowed[destination]} may be`
    assert.ok(repeated[destination] >= 0, `${destination} received less than the archive`)
    assert.ok(repeated[destination] <= allowed[destination], text)
  }
}
