/** What arrives at the three destinations of a rig, as they count it themselves. */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { StandIn } from '../../src/stages/stand-ins/index.ts'
import type { Rig } from './rig.ts'

export interface Traffic {
  /** Bytes of archives that each service read from requests, of those that failed as well. */
  readonly dropbox: number
  readonly drive: number
  /** Bytes that the folder holds of the archive now, whole or not. */
  readonly nas: number
  /** Requests of any kind to each service since it was started. */
  readonly requests: { readonly dropbox: number; readonly drive: number }
}

/** Routes whose requests carry bytes of an archive; the last one ends an upload. */
const UPLOADS = {
  dropbox: ['start', 'append', 'finish'],
  drive: ['chunk', 'final'],
}

/**
 * What has arrived in all, or in requests that came after a moment. (A service goes on reading what a killed process had
 * handed to the system.)
 */
export function traffic(rig: Rig, since: Traffic | null = null): Traffic {
  return {
    dropbox: received(rig.dropbox, UPLOADS.dropbox, since?.requests.dropbox ?? 0),
    drive: received(rig.drive, UPLOADS.drive, since?.requests.drive ?? 0),
    nas: heldByNas(rig),
    requests: { dropbox: rig.dropbox.requests.count(), drive: rig.drive.requests.count() },
  }
}

export function requestCount(rig: Rig): number {
  return rig.dropbox.requests.count() + rig.drive.requests.count()
}

/** Requests that end an upload. */
export function finishCount(rig: Rig): number {
  return rig.dropbox.requests.count('finish') + rig.drive.requests.count('final')
}

/** The names under which something lies in the folder: archives whole, and begun. */
export function namesAtNas(rig: Rig): { readonly whole: readonly string[]; readonly begun: readonly string[] } {
  const names = readdirSync(rig.nas)
  const begun = names.filter((name) => name.endsWith('.partial')).map((name) => name.slice(0, -'.partial'.length))
  return { whole: names.filter((name) => name.endsWith('.zip')), begun }
}

/** Whether all three destinations show an archive. Such a run may be recorded as done: another would make another. */
export function isStoredEverywhere(rig: Rig): boolean {
  return namesAtNas(rig).whole.length > 0 && rig.dropbox.objects().length > 0 && rig.drive.objects().length > 0
}

function received(standIn: StandIn, routes: readonly string[], after: number): number {
  const records = standIn.requests.latest().filter(({ n, route }) => n > after && routes.includes(route))
  return records.reduce((sum, { bytes }) => sum + bytes, 0)
}

function heldByNas(rig: Rig): number {
  try {
    return readdirSync(rig.nas).reduce((sum, name) => sum + statSync(path.join(rig.nas, name)).size, 0)
  } catch {
    return 0 // renamed between the two calls
  }
}
