/** Runs of the program's own process in which one call to the file system fails, each followed by one without faults. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { checkArchives } from './archive-check.ts'
import type { FaultReport, FileFault } from './fault-script.ts'
import { isWanted, isWhole } from './replay.ts'
import type { Rig } from './rig.ts'
import { openRuns } from './scenario.ts'
import { seeded, seedOfRun } from './seed.ts'
import { archiveAtNas, isStored, makeSmallRig } from './small-rig.ts'
import { isStoredEverywhere } from './traffic.ts'

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'fault-files.ts')).href

export const FILE_FAULTS: readonly FileFault[] = ['eio', 'kill-before', 'kill-torn', 'enospc', 'kill-after']

export interface FileFaultOptions {
  /** `resumed`: the fault comes in a run that goes on with one that was killed in its middle. */
  readonly run: 'new' | 'resumed'
  /** Every so many calls; 1: at each. */
  readonly stride: number
  /** Kinds of faults tried at one call; the others are at the next ones. */
  readonly kindsAtOnce: number
  /** The test file that calls. */
  readonly file: string
}

/** A test for each call that a run makes on files of the state folder and the destination's folder. */
export async function fileFaults(t: TestContext, options: FileFaultOptions): Promise<void> {
  const seed = seedOfRun()
  const { stride, kindsAtOnce } = options
  t.diagnostic(`seed ${seed}`)
  const offset = seeded(seed, 'offset').below(stride)
  let tried = 0
  let failures = 0
  let call = 1 + offset
  for (let isNeeded = true; isNeeded && failures < MOST_FAILURES && call <= MOST_CALLS; call += stride) {
    const kinds = Array.from({ length: kindsAtOnce }, () => FILE_FAULTS[tried++ % FILE_FAULTS.length] ?? 'eio')
    const hits = kinds.map(async (kind) => {
      const what = `${kind} at call ${call} of a ${options.run} run`
      if (!isWanted(what)) return true
      const words = `KILL_SEED=${seed} KILL_CASE='${what}' node --test ${path.relative(process.cwd(), options.file)}`
      let hit: string | null = 'not known'
      await t.test(what, async (own) => {
        try {
          hit = await fileFault(own, { seed, run: options.run, kind, call })
          own.diagnostic(hit ?? 'the run has no such call')
        } catch (error) {
          failures += 1
          throw new Error(`Replay: ${words}`, { cause: error })
        }
      })
      return hit !== null
    })
    isNeeded = (await Promise.all(hits)).some((isHit) => isHit)
  }
  if (isWhole) assert.ok(call <= MOST_CALLS, 'a run needs no fault at some time')
}

/** The rest would tell no more. */
const MOST_FAILURES = 10

/** Far more than a small archive takes. */
const MOST_CALLS = 10_000

interface FileFaultCase {
  readonly seed: string
  readonly run: FileFaultOptions['run']
  readonly kind: FileFault
  readonly call: number
}

/** Resolves with the call that was hit; null when the run had no such call. */
async function fileFault(own: TestContext, { seed, run, kind, call }: FileFaultCase): Promise<string | null> {
  const random = seeded(seed, run, kind, call)
  const { rig, sources } = await makeSmallRig(own, random)
  if (run === 'resumed') {
    const middle = await faulty(rig, 'kill-after', random.between(40, 70))
    assert.ok(middle.isKilled)
  }
  const first = await faulty(rig, kind, call)
  const { hit } = first.report
  let result = first.result
  if (hit === null) {
    assert.equal(first.code, 0, first.text)
    assert.equal(first.isKilled, false)
  } else if (result?.status === 'completed') {
    // Where removing its folder has failed, the next one does it, and makes no other backup for that.
    if ((await openRuns(rig)).length > 0) assert.equal((await rig.cli('resume', '--json')).code, 0)
  } else {
    const isDone = (result !== null && isStored(result)) || isStoredEverywhere(rig)
    const second = await rig.cli(isDone ? 'resume' : 'run', '--json')
    assert.equal(second.code, 0, `${hit}: ${first.text} and then ${second.stdout}${second.stderr}`)
    const after = JSON.parse(second.stdout) as RunResult
    assert.ok(after.status === 'completed' || isDone, second.stdout)
    result = after.status === 'skipped' ? null : after
  }
  await checkArchives(rig, result?.archive?.name ?? archiveAtNas(rig), { sources, database: null, result })
  return hit
}

interface Faulty {
  readonly code: number | null
  readonly isKilled: boolean
  readonly report: FaultReport
  /** Null when it was killed or could not begin. */
  readonly result: RunResult | null
  /** What it said. */
  readonly text: string
}

/** `run` with a fault at its n-th call. */
async function faulty(rig: Rig, kind: FileFault, nth: number): Promise<Faulty> {
  const reportFile = path.join(rig.folder, 'fault-report.json')
  let isKilled = false
  const env = {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    FAULT_FOLDERS: JSON.stringify([rig.state, rig.nas]),
    FAULT_NTH: String(nth),
    FAULT_KIND: kind,
    FAULT_REPORT: reportFile,
  }
  const onStart = (child: NodeJS.EventEmitter): void => {
    void once(child, 'exit').then(([, signal]) => (isKilled = signal === 'SIGKILL'))
  }
  const { code, stdout, stderr } = await rig.cliWith({ env, onStart }, 'run', '--json')
  const report = JSON.parse(await readFile(reportFile, 'utf8')) as FaultReport
  const text = `exit ${code}: ${stdout}${stderr}`
  if (isKilled) return { code, isKilled, report, result: null, text }
  assert.ok(code !== null && [0, 1, 3, 130].includes(code), `${report.hit}: ${text}`)
  assert.doesNotMatch(stderr, /^ +at .*:\d+:\d+\)?$/m, `${report.hit}: it does not crash`)
  assert.doesNotMatch(stdout, /E_INTERNAL/, `${report.hit}: it knows what has failed`)
  const told = JSON.parse(stdout) as RunResult | { readonly error: unknown }
  return { code, isKilled, report, result: 'error' in told ? null : told, text }
}
