/** What the suites of the state's contract share. */
import { spawn, type ChildProcess } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import type { DestinationResult, VerifyCheck } from '../../src/stages/contract/results.ts'
import type { RunRecord } from '../../src/stages/contract/history.ts'
import type { State } from '../../src/stages/state/state.ts'

export interface StateUnderTest {
  /** The same state each time, as another process would open it. */
  open(): Promise<State>
  openToRead(): Promise<State | null>
  /** Statements of a module, in a process of its own, that open it as `state`. */
  readonly opening: string
  /** Everything that is there of it, to see that nothing was made or changed. */
  contents(): Promise<unknown>
}

export const DIGESTS = { md5: 'a'.repeat(32), contentHash: 'b'.repeat(64) }
export const AT = '2026-11-23T12:00:00+01:00'

export const record = (runId: string, change: Partial<RunRecord> = {}): RunRecord => ({
  runId,
  trigger: 'manual',
  plannedName: change.archive ?? 'dicom_backup_2026-11-23_12-00-00.zip',
  status: 'completed',
  startedAt: AT,
  finishedAt: '2026-11-23T12:10:00+01:00',
  archive: 'dicom_backup_2026-11-23_12-00-00.zip',
  bytes: 2 ** 43,
  digests: null,
  source: { files: Number(runId), bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 },
  sane: true,
  warnings: [],
  destinations: [],
  ...change,
})

export const at = (name: string, status: DestinationResult['status'] = 'completed'): DestinationResult => ({
  name,
  type: 'local',
  status,
  bytesSent: 1,
  remoteId: status === 'completed' ? `/${name}/x.zip` : null,
  remotePath: status === 'completed' ? `/${name}/x.zip` : null,
  error: status === 'failed' ? { code: 'E_QUOTA', message: `${name} is full.` } : null,
})

export const check: VerifyCheck = { destination: 'nas', ok: true, checked: true, method: 'read-back', detail: 'well' }

/** Runs statements with the state open, in a process of its own. */
export function elsewhere({ opening }: StateUnderTest, statements: string): ChildProcess {
  const script = `${opening}\n${statements}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** A test with a new state, opened; `make` gives one that is gone after the test. */
export type StateTest = (name: string, body: (state: State, under: StateUnderTest) => Promise<void>) => void

export const stateTests =
  (make: (t: TestContext) => Promise<StateUnderTest>): StateTest =>
  (name, body) => {
    test(name, { timeout: 600_000 }, async (t) => {
      const under = await make(t)
      const state = await under.open()
      try {
        await body(state, under)
      } finally {
        await state.close()
      }
    })
  }
