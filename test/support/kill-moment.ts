import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Rig } from './rig.ts'
import type { Seeded } from './seed.ts'
import { finishCount, namesAtNas, requestCount, traffic } from './traffic.ts'

/** What a run does that nobody kills. */
export interface CleanRun {
  readonly ms: number
  readonly requests: number
  /** Bytes that both services received. */
  readonly bytes: number
}

/** When a run is killed: by the clock, or so many ms after something has happened since it was started. */
export type KillMoment =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'requests'; readonly requests: number; readonly delayMs: number }
  | { readonly kind: 'bytes'; readonly bytes: number; readonly delayMs: number }
  /** At a service's finishing request, or when the folder's archive has its name. */
  | { readonly kind: 'finish'; readonly at: 'service' | 'folder'; readonly delayMs: number }

/** `share`: how much of a clean run lies before the moment at most, from 0 to 1. */
export function drawMoment(random: Seeded, clean: CleanRun, share: number): KillMoment {
  const delayMs = random.chance(0.5) ? 0 : random.below(30)
  const part = random.next() * share
  const kind = random.pick(['time', 'time', 'requests', 'bytes', 'bytes', 'finish'] as const)
  switch (kind) {
    case 'time':
      return { kind, ms: Math.round(part * clean.ms) }
    case 'requests':
      return { kind, requests: 1 + Math.floor(part * clean.requests), delayMs }
    case 'bytes':
      return { kind, bytes: Math.round(part * clean.bytes), delayMs }
    case 'finish':
      return { kind, at: random.pick(['service', 'folder'] as const), delayMs }
  }
}

/** Kills the process with SIGKILL at the moment, unless it ends before. */
export async function killAt(moment: KillMoment, child: ChildProcess, rig: Rig): Promise<void> {
  const startedAt = performance.now()
  const before = { ...traffic(rig), count: requestCount(rig), finishes: finishCount(rig) }
  const isReached = (): boolean => {
    switch (moment.kind) {
      case 'time':
        return performance.now() - startedAt >= moment.ms
      case 'requests':
        return requestCount(rig) - before.count >= moment.requests
      case 'bytes': {
        const { dropbox, drive } = traffic(rig, before)
        return dropbox + drive >= moment.bytes
      }
      case 'finish':
        return moment.at === 'folder' ? namesAtNas(rig).whole.length > 0 : finishCount(rig) > before.finishes
    }
  }
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  while (!isOver() && !isReached()) await sleep(1)
  if (moment.kind !== 'time' && moment.delayMs > 0) await sleep(moment.delayMs)
  if (!isOver()) child.kill('SIGKILL')
}
