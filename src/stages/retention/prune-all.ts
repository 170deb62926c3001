/** `prune`: retention at every destination, without a run. */
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { PruneResult } from '../contract/results.ts'
import type { RunLog } from '../contract/run-log.ts'
import type { Config } from '../config/types.ts'
import { closeAll, openToRead, type OpenOptions } from '../find/open-to-read.ts'
import type { State } from '../state/state.ts'
import { askClock } from './clock-fault.ts'
import { paceOf, pruneDestination } from './prune.ts'

export interface PruneAllOptions {
  readonly dryRun: boolean
  /** Names of the destinations; empty: all of them. */
  readonly only: readonly string[]
  readonly log: RunLog
  readonly signal: AbortSignal
  readonly open?: OpenOptions['open']
  readonly now?: Date
}

/** Rejects with E_LOCKED while a run is active, with E_ABORTED, with E_STATE. */
export async function pruneAll(config: Config, state: State, options: PruneAllOptions): Promise<PruneResult> {
  const { retention, archive } = config
  if (retention === null) {
    return {
      deleted: [],
      kept: [],
      destinations: [],
      reason: 'The configuration has no retention: every archive is kept.',
    }
  }
  const { dryRun, only, log, open, now = new Date() } = options
  const wanted = config.destinations.filter(({ name }) => only.length === 0 || only.includes(name))
  const lock = dryRun ? null : await state.lock()
  const signal = lock === null ? options.signal : AbortSignal.any([options.signal, lock.lost])
  try {
    const clock = await askClock(config, signal)
    if (clock.fault !== null) throw new BackupError('E_STATE', clock.fault)
    const rules = { ...retention, prefix: archive.prefix, now, ...paceOf(config, clock) }
    const opened = openToRead(
      { ...config, destinations: wanted },
      { from: null, log, signal, ...(open === undefined ? {} : { open }) },
    )
    try {
      const rows = await Promise.all(
        opened.map(async (destination) => {
          const pruned = await pruneDestination(destination, { stored: null, rules, state, dryRun, log, signal })
          return { name: destination.name, ...pruned }
        }),
      )
      return {
        deleted: rows.flatMap(({ name, deleted }) => deleted.map((one) => ({ destination: name, name: one }))),
        kept: rows.flatMap(({ name, kept }) => kept.map((one) => ({ destination: name, ...one }))),
        destinations: rows.map(({ name, refused, failures }) => ({ name, refused, failures })),
      }
    } finally {
      await closeAll(opened)
    }
  } finally {
    await lock?.release()
  }
}
