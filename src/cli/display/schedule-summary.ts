import type { StatusResult } from '../../stages/backup/results.ts'
import type { JobPlan } from '../../stages/schedule/job/job.ts'
import type { Installed } from '../../stages/schedule/job/scheduler.ts'
import { facts, heading, items, joinBlocks, paragraph, verdict } from './blocks.ts'
import { formatLocalMinute } from './format.ts'
import type { Style } from './style.ts'

const KINDS = { systemd: 'systemd timer', cron: 'crontab line', 'task-scheduler': 'Task Scheduler' } as const

export interface ShownSchedule {
  readonly enabled: boolean
  readonly every: StatusResult['schedule']['every']
  readonly lastRunAt: string | null
  readonly nextDueAt: string | null
  readonly verify: string
  readonly jobs: readonly Installed[]
}

export function scheduleSummary(
  { enabled, every, lastRunAt, nextDueAt, verify, jobs }: ShownSchedule,
  now: Date,
  style: Style,
): string {
  const late = nextDueAt !== null && Date.parse(nextDueAt) <= now.getTime()
  const job = jobs.map(({ kind, name }) => `${KINDS[kind]} ${name}`).join(', ')
  const ready = enabled && jobs.length > 0
  const steps = [
    ...(enabled ? [] : ['"dicom-backup schedule enable" turns it on.']),
    ...(jobs.length > 0
      ? []
      : ['"dicom-backup schedule install" sets the hourly job, without which nothing starts by itself.']),
  ]
  return joinBlocks([
    verdict(
      ready ? 'ok' : 'look',
      enabled ? `A backup every ${every.replace('h', ' h')}` : 'The schedule is off',
      style,
    ),
    facts(
      [
        ['Next due', nextDueAt === null ? null : `${late ? 'now: since ' : ''}${formatLocalMinute(nextDueAt)}`],
        ['Last run', lastRunAt === null ? 'none yet' : `began ${formatLocalMinute(lastRunAt)}`],
        ['Verify', verify === 'weekly' ? 'an earlier archive is looked at again every week' : null],
        ['Hourly job', job === '' ? 'none' : job],
      ],
      style,
    ),
    steps.length === 0 ? [] : [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))],
  ])
}

/** What would be done, so that it can be done by hand. */
export function planSummary({ files, commands }: JobPlan): string {
  const parts = files.map(({ path, content }) => `# ${path}\n${content.replace(/^\uFEFF/, '').trimEnd()}\n`)
  for (const { words, input } of commands) {
    const command = words.map((word) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`)).join(' ')
    parts.push(input === undefined ? `${command}\n` : `${command}\n${input.trimEnd()}\n`)
  }
  return parts.join('\n')
}

interface InstalledJob {
  readonly kind: JobPlan['kind']
  readonly name: string
  readonly notes: readonly string[]
  readonly variables: readonly string[]
  readonly enabled: boolean
}

export function installSummary({ kind, name, notes, variables, enabled }: InstalledJob, style: Style): string {
  const warned = [
    ...(variables.length === 0
      ? []
      : [
          `The configuration takes values from the environment: ${variables.join(', ')}. The job has the scheduler's environment, not that of your terminal; write them into the configuration or into files of their own, or set them for the whole machine.`,
        ]),
    ...(enabled ? [] : ['The schedule is off: "dicom-backup schedule enable" turns it on.']),
  ]
  return joinBlocks([
    verdict(warned.length === 0 ? 'ok' : 'look', `The hourly job is set: ${KINDS[kind]} ${name}`, style),
    items(
      warned.map((text) => ({ mark: 'look' as const, name: '', details: [text] })),
      style,
    ),
    notes.flatMap((note) => paragraph(note, style)),
    paragraph('From now on look at "dicom-backup status".', style),
  ])
}

export function removalSummary(removed: readonly Installed[], style: Style): string {
  if (removed.length === 0) return 'There is no hourly job of this configuration.\n'
  const names = removed.map(({ kind, name }) => `${KINDS[kind]} ${name}`).join(', ')
  return joinBlocks([verdict('ok', `The hourly job was removed: ${names}`, style)])
}
