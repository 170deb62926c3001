import { asBackupError } from '../../../pipeline/contract/errors.ts'
import type { RunResult, Warning } from '../../contract/results.ts'
import type { RunLog } from '../../contract/run-log.ts'
import type { Config } from '../../config/types.ts'
import { begunByRecord, byAge } from '../../find/by-age.ts'
import type { State } from '../../state/state.ts'
import { verifyArchive } from '../../verify/verify.ts'

const WEEK_MS = 7 * 24 * 3_600_000
/** An hourly call a few minutes early is a week later, too. */
const EARLY_MS = 3_600_000

/**
 * After a run of the schedule: looks at an earlier archive again when that has not been done for a week, with
 * `schedule.verify: weekly`. The one just stored was compared when it was stored, so it is the newest of those before
 * it. Damage becomes a warning of the run's result. Never rejects.
 */
export async function verifyWeekly(
  config: Config,
  state: State,
  result: RunResult,
  { log, signal, now = new Date() }: { readonly log: RunLog; readonly signal: AbortSignal; readonly now?: Date },
): Promise<RunResult> {
  if (config.schedule.verify !== 'weekly' || signal.aborted) return result
  if (result.status !== 'completed' && result.status !== 'partial') return result
  try {
    const last = await state.lastVerification()
    if (last !== null && now.getTime() - Date.parse(last.at) < WEEK_MS - EARLY_MS) return result
    const earlier = (await state.archives()).filter((name) => name !== result.archive?.name)
    const [archive = result.archive?.name] = await newestRecorded(earlier, config.archive.prefix, state, now)
    if (archive === undefined) return result
    const common = { from: null, deep: false, restoreTest: false, onWork: () => undefined }
    const { ok, checks } = await verifyArchive(config, { ...common, state, archive, log, signal })
    if (ok) return result
    const unwell = checks.filter((check) => !check.ok).map(({ destination, detail }) => `${destination}: ${detail}`)
    return withWarning(result, `${archive} was verified again and is damaged. ${unwell.join('; ')}.`)
  } catch (error) {
    const { code, message } = asBackupError(error, signal)
    log.warn({ err: error }, 'an earlier archive could not be verified again')
    if (code === 'E_ABORTED') return result
    return withWarning(result, `An earlier archive could not be verified again. ${message}`)
  }
}

/** The one begun last at the start. */
async function newestRecorded(
  names: readonly string[],
  prefix: string,
  state: State,
  now: Date,
): Promise<readonly string[]> {
  const recorded = begunByRecord(await state.periods(), now)
  const read = (): Promise<null> => Promise.resolve(null)
  return (await byAge(names, { prefix, recorded, now, read, reading: 'newest' })).newest
}

function withWarning(result: RunResult, message: string): RunResult {
  const warning: Warning = { code: 'verify-failed', message }
  return { ...result, status: 'partial', warnings: [...result.warnings, warning] }
}
