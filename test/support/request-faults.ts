/** Runs in which one request to a service goes wrong, each followed by one without faults where it was not enough. */
import assert from 'node:assert/strict'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { runBackup } from '../../src/stages/backup/run.ts'
import { Line } from '../../src/stages/destinations/line.ts'
import { withState } from '../../src/cli/command-context.ts'
import { text, type Fault } from '../../src/stages/stand-ins/index.ts'
import { checkArchives } from './archive-check.ts'
import { isWanted } from './replay.ts'
import type { Rig } from './rig.ts'
import { seeded, seedOfRun } from './seed.ts'
import { takeAsNear } from './take-as-near.ts'
import { archiveAtNas, isStored, makeSmallRig } from './small-rig.ts'
import { isStoredEverywhere } from './traffic.ts'

takeAsNear(Line)

/**
 * `stopped`: the run is stopped by a signal while it waits for the answer. (It lets requests under way finish, for half a
 * minute: so none hangs here.)
 */
const REQUEST_FAULTS = {
  'lost answer': { kind: 'lost', at: 'after-commit' },
  'cut at once': { kind: 'cut', afterBytes: 0 },
  'error 500': { kind: 'answer', answer: text(500, 'Internal Server Error') },
  stopped: { kind: 'delay', ms: 100, at: 'after-commit' },
  'cut in its middle': { kind: 'cut', afterBytes: 300_000, keep: 'some' },
  'stopped before': { kind: 'delay', ms: 100, at: 'arrival' },
  'lost session': { kind: 'session-gone' },
  'flipped bit': { kind: 'flip' },
} satisfies Record<string, Fault>

type RequestFault = keyof typeof REQUEST_FAULTS

export const ALL_REQUEST_FAULTS = Object.keys(REQUEST_FAULTS) as readonly RequestFault[]

export interface RequestFaultOptions {
  readonly service: 'dropbox' | 'drive'
  /** `resumed`: the fault comes in a run that goes on with one that was stopped in its middle. */
  readonly run: 'new' | 'resumed'
  /** Kinds of faults tried at one request; the others are at the next ones. */
  readonly kindsAtOnce: number
  /** The test file that calls. */
  readonly file: string
}

/** A test for each request that a run sends to a service. */
export async function requestFaults(t: TestContext, options: RequestFaultOptions): Promise<void> {
  const seed = seedOfRun()
  t.diagnostic(`seed ${seed}`)
  let tried = seeded(seed, options.service).below(ALL_REQUEST_FAULTS.length)
  let failures = 0
  for (let nth = 1, isNeeded = true; isNeeded && failures < MOST_FAILURES; nth += 1) {
    isNeeded = false
    for (let n = 0; n < options.kindsAtOnce; n += 1) {
      const kind = ALL_REQUEST_FAULTS[tried++ % ALL_REQUEST_FAULTS.length] ?? 'lost answer'
      const what = `${options.service}, ${kind} at request ${nth} of a ${options.run} run`
      const words = `KILL_SEED=${seed} KILL_CASE='${what}' node --test ${path.relative(process.cwd(), options.file)}`
      if (!isWanted(what)) {
        isNeeded = nth < MOST_REQUESTS
        continue
      }
      await t.test(what, async (own) => {
        try {
          if (await requestFault(own, options, { seed, kind, nth })) isNeeded = true
        } catch (error) {
          failures += 1
          isNeeded = true
          throw new Error(`Replay: ${words}`, { cause: error })
        }
      })
    }
    assert.ok(nth <= MOST_REQUESTS, 'a run needs no fault at some time')
  }
}

/** The rest would tell no more. */
const MOST_FAILURES = 10

/** Far more than a small archive takes. */
const MOST_REQUESTS = 200

interface RequestFaultCase {
  readonly seed: string
  readonly kind: RequestFault
  readonly nth: number
}

/** Resolves with whether the run had such a request. */
async function requestFault(
  own: TestContext,
  { service, run }: RequestFaultOptions,
  { seed, kind, nth }: RequestFaultCase,
): Promise<boolean> {
  const random = seeded(seed, run, kind, nth)
  const { rig, sources } = await makeSmallRig(own, random)
  const standIn = rig[service]
  if (run === 'resumed') {
    const route = service === 'dropbox' ? 'append' : 'chunk'
    standIn.faults.add({ route, nth: random.between(1, 2), fault: REQUEST_FAULTS.stopped })
    assert.equal((await runHere(rig, true)).status, 'interrupted')
    standIn.faults.clear()
  }
  const before = standIn.requests.count()
  const fault: Fault = REQUEST_FAULTS[kind]
  standIn.faults.add({ route: '*', nth, fault })
  // `resume`: where the others had it before, `run` would make them another one if this one cannot take it.
  const mode = run === 'resumed' ? 'resume' : 'run'
  let result: RunResult | null = await runHere(rig, fault.kind === 'delay', mode)
  const isHit = standIn.requests.count() - before >= nth
  standIn.faults.clear()
  if (!isHit) assert.equal(result.status, 'completed', JSON.stringify(result))
  if (result.status !== 'completed') {
    const isDone = isStored(result) || isStoredEverywhere(rig)
    const after = await runHere(rig, false, isDone ? 'resume' : 'run')
    const both = `${JSON.stringify(result)} and then ${JSON.stringify(after)}`
    assert.ok(after.status === 'completed' || (isDone && after.status === 'skipped'), both)
    result = after.status === 'skipped' ? null : after
  }
  await checkArchives(rig, result?.archive?.name ?? archiveAtNas(rig), { sources, database: null, result })
  return isHit
}

const SILENT = { info: () => undefined, warn: () => undefined }

/** A run in this process. `stop`: it is stopped when the script's fault has been met. */
async function runHere(rig: Rig, stop: boolean, mode: 'run' | 'resume' = 'run'): Promise<RunResult> {
  const stopping = new AbortController()
  const unused = (): number => rig.dropbox.faults.unused().length + rig.drive.faults.unused().length
  const ended = new AbortController()
  const watching = stop ? watch() : Promise.resolve()
  async function watch(): Promise<void> {
    while (unused() > 0 && !ended.signal.aborted) await sleep(2)
    stopping.abort()
  }
  try {
    return await withState(rig.configFile, ({ config, state }) =>
      runBackup(config, state, {
        trigger: 'manual',
        version: 'test',
        only: [],
        acceptShrunk: false,
        mode,
        log: SILENT,
        onProgress: () => undefined,
        signal: stopping.signal,
      }),
    )
  } finally {
    ended.abort()
    await watching
  }
}
