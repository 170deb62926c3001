import { BackupError } from '../../pipeline/contract/errors.ts'
import { editSchedule } from '../../stages/config/edit-schedule.ts'
import { loadConfig } from '../../stages/config/load.ts'
import type { Config } from '../../stages/config/types.ts'
import {
  installJob,
  installedJobs,
  planJob,
  planRemoval,
  removeJob,
  schedulerOf,
} from '../../stages/schedule/job/scheduler.ts'
import { jobCall, type JobKind } from '../../stages/schedule/job/job.ts'
import { jobWarnings } from '../../stages/schedule/job-warnings.ts'
import { variablesIn } from '../../stages/schedule/variables-in.ts'
import { readStatus } from '../../stages/status/status.ts'
import { installSummary, planSummary, removalSummary, scheduleSummary } from '../display/schedule-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withState, withStateToRead } from '../command-context.ts'

/** `schedule show`. Writes nothing. */
export async function show(configFile: string, output: Output): Promise<ExitCode> {
  return await withStateToRead(configFile, async ({ config, state }) => {
    const now = new Date()
    const { schedule } = (await readStatus(config, state, now)).result
    const jobs = await installedJobs(callOf(config))
    const result = { ...schedule, verify: config.schedule.verify, jobs }
    await output.result(result, (style) => scheduleSummary(result, now, style))
    return EXIT.done
  })
}

/** `schedule set`, `enable`, `disable`: in the state where that has the schedule, else in the configuration file. */
export async function set(
  configFile: string,
  change: Partial<Pick<Config['schedule'], 'enabled' | 'every'>>,
  output: Output,
): Promise<ExitCode> {
  await withState(configFile, async ({ config, state }) => {
    if (!(await state.saveSchedule({ ...config.schedule, ...change }))) editSchedule(config.file, change)
  })
  return await show(configFile, output)
}

/** `schedule install`. */
export async function install(
  configFile: string,
  { print, kind: asked }: { readonly print: boolean; readonly kind: JobKind | null },
  output: Output,
): Promise<ExitCode> {
  const config = loadConfig(configFile)
  const call = callOf(config)
  const kind = await schedulerOf(asked)
  if (kind === null) {
    throw new BackupError('E_CONFIG', 'This machine has neither systemd running nor cron.', {
      advice: `Let its own scheduler start this every hour: ${[call.program, ...call.args].join(' ')}`,
    })
  }
  const plan = await planJob(call, kind)
  const variables = variablesIn(config.file)
  if (print) {
    await output.result({ ...plan, variables }, () => planSummary(plan, variables))
    return EXIT.done
  }
  const notes = [...jobWarnings(config), ...(await installJob(plan))]
  const result = { kind, name: plan.name, notes, variables, enabled: config.schedule.enabled }
  await output.result(result, (style) => installSummary(result, style))
  return EXIT.done
}

/** `schedule uninstall`: every job of this configuration that is there. */
export async function uninstall(
  configFile: string,
  { print }: { readonly print: boolean },
  output: Output,
): Promise<ExitCode> {
  const call = callOf(loadConfig(configFile))
  const removed = await installedJobs(call)
  const plans = await Promise.all(removed.map(({ kind }) => planRemoval(call, kind)))
  if (print) {
    await output.result(
      { plans },
      () => plans.map((plan) => planSummary(plan)).join('\n') || 'There is no hourly job.\n',
    )
    return EXIT.done
  }
  for (const plan of plans) await removeJob(plan)
  await output.result({ removed }, (style) => removalSummary(removed, style))
  return EXIT.done
}

function callOf({ file }: Config): ReturnType<typeof jobCall> {
  return jobCall(file, process.argv[1] ?? '')
}
