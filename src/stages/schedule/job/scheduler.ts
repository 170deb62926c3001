/** Which scheduler this machine has, and the job in it: planned, installed, found, removed. */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { BackupError, systemCode } from '../../../pipeline/contract/errors.ts'
import { cronJob, cronLine, cronRemoval, hasCronJob, LONGEST_LINE } from './cron.ts'
import { hasControlCharacters, jobName, type JobCall, type JobCommand, type JobKind, type JobPlan } from './job.ts'
import { runCommand } from './run-command.ts'
import { systemdJob, systemdPlace, systemdReload, systemdRemoval } from './systemd.ts'
import { taskSchedulerJob, taskSchedulerQuery, taskSchedulerRemoval } from './task-scheduler.ts'

/** That systemd manages this machine: sd_booted(3) */
const SYSTEMD_RUNS = '/run/systemd/system'

export interface Installed {
  readonly kind: JobKind
  readonly name: string
}

/** The scheduler that a job is installed in: the one asked for, else what the machine has; null when it has none. */
export async function schedulerOf(asked: JobKind | null): Promise<JobKind | null> {
  if (asked !== null) return asked
  if (process.platform === 'win32') return 'task-scheduler'
  if (existsSync(SYSTEMD_RUNS)) return 'systemd'
  return (await crontabOf()) === null ? null : 'cron'
}

/** What installing the job does, for `--print` too. Rejects with E_CONFIG when it cannot be installed. */
export async function planJob(call: JobCall, kind: JobKind): Promise<JobPlan> {
  if (hasControlCharacters(call)) throw unfit('a path in it has a line break or another control character')
  if (kind === 'systemd') return systemdJob(call, systemdPlace())
  if (kind === 'task-scheduler') return taskSchedulerJob(call, windowsUser(), definitionFile(call))
  if (cronLine(call).length > LONGEST_LINE) throw unfit('its line is longer than cron takes')
  return cronJob(call, (await crontabOf()) ?? '')
}

/** Installs the job; one that is there already takes its new form. Gives what a person should know. */
export async function installJob(plan: JobPlan): Promise<string[]> {
  const notes = [...plan.notes]
  try {
    for (const { path: file, content, encoding } of plan.files) {
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, content, { encoding, mode: 0o644 })
    }
    for (const command of plan.commands) {
      const { code, words } = await runCommand(command)
      if (code === 0) continue
      if (command.optional === undefined)
        throw failed('The hourly job could not be installed', command, words, plan.kind)
      notes.unshift(command.optional)
    }
  } catch (error) {
    if (error instanceof BackupError) throw error
    throw new BackupError('E_CONFIG', `The hourly job could not be written (${systemCode(error)}).`, {
      advice: 'Run it as an account with the right to, or use --print and set it up by hand.',
      cause: error,
    })
  } finally {
    // The Task Scheduler has its own copy.
    if (plan.kind === 'task-scheduler') await Promise.all(plan.files.map((one) => rm(one.path, { force: true })))
  }
  return notes
}

/** The jobs of this configuration that this machine has, in whichever scheduler. */
export async function installedJobs(call: JobCall): Promise<Installed[]> {
  const found: Installed[] = []
  if (process.platform === 'win32') {
    const { code } = await runCommand(taskSchedulerQuery(call))
    return code === 0 ? [{ kind: 'task-scheduler', name: taskSchedulerRemoval(call).name }] : []
  }
  const name = jobName(call)
  if (existsSync(path.join(systemdPlace().folder, `${name}.timer`))) found.push({ kind: 'systemd', name })
  if (hasCronJob(call, (await crontabOf()) ?? '')) found.push({ kind: 'cron', name })
  return found
}

/** What removing the job does. */
export async function planRemoval(call: JobCall, kind: JobKind): Promise<JobPlan> {
  if (kind === 'systemd') return systemdRemoval(call, systemdPlace())
  if (kind === 'task-scheduler') return taskSchedulerRemoval(call)
  return cronRemoval(call, (await crontabOf()) ?? '')
}

/** Removes a job that is installed, and nothing else. */
export async function removeJob(plan: JobPlan): Promise<void> {
  for (const command of plan.commands) {
    const { code, words } = await runCommand(command)
    // A timer whose files are there but which systemd does not know, or no systemd at all: the files go all the same.
    if (code !== 0 && plan.kind !== 'systemd') {
      throw failed('The hourly job could not be removed', command, words, plan.kind)
    }
  }
  if (plan.kind !== 'systemd') return
  try {
    for (const one of plan.files) await rm(one.path, { force: true })
  } catch (error) {
    throw new BackupError('E_CONFIG', `The hourly job could not be removed (${systemCode(error)}).`, {
      advice: 'Run it as the account that installed it.',
      cause: error,
    })
  }
  await runCommand(systemdReload(systemdPlace()))
}

/**
 * The account's crontab, empty when it has none; null when there is no cron on this machine. Rejects with E_CONFIG when it
 * cannot be read: what is written takes the whole crontab's place.
 */
async function crontabOf(): Promise<string | null> {
  const command = { words: ['crontab', '-l'] }
  const { code, stdout, words } = await runCommand(command)
  if (code === null) return null
  if (code === 0) return stdout
  // With the same exit code it says that there is none yet, and that it could not look.
  if (/no crontab/i.test(words)) return ''
  throw failed('The crontab could not be read', command, words, 'cron')
}

function windowsUser(): string {
  const { USERDOMAIN = '', USERNAME = '' } = process.env
  const user = USERNAME === '' ? os.userInfo().username : USERNAME
  return USERDOMAIN === '' ? user : `${USERDOMAIN}\\${user}`
}

const definitionFile = (call: JobCall): string => path.join(os.tmpdir(), `${jobName(call)}.xml`)

function failed(what: string, { words }: JobCommand, said: string, kind: JobKind): BackupError {
  return new BackupError('E_CONFIG', `${what}: ${words.slice(0, 2).join(' ')} says: ${said}`, {
    advice:
      kind === 'task-scheduler'
        ? 'Open the console with "Run as administrator" and call this again, or do by hand what --print shows.'
        : 'Run it as an account that may set jobs, or do by hand what --print shows.',
  })
}

function unfit(why: string): BackupError {
  return new BackupError('E_CONFIG', `The hourly job cannot be installed: ${why}.`, {
    advice: 'Move the program or the configuration to a folder with a plain, shorter path.',
  })
}
