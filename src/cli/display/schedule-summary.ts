import type { StatusResult } from '../../stages/contract/results.ts'
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
      : ['"dicom-backup schedule install" installs the hourly job. Without it no backup starts by itself.']),
  ]
  return joinBlocks([
    verdict(
      ready ? 'ok' : 'look',
      enabled ? `A backup every ${every.replace('h', ' h')}` : 'The schedule is off',
      style,
    ),
    facts(
      [
        ['Next due', nextDueAt === null ? null : `${late ? 'now, since ' : ''}${formatLocalMinute(nextDueAt)}`],
        ['Last run', lastRunAt === null ? 'none yet' : `began ${formatLocalMinute(lastRunAt)}`],
        ['Verify', verify === 'weekly' ? 'an earlier archive is verified every week' : null],
        ['Hourly job', job === '' ? 'none' : job],
      ],
      style,
    ),
    steps.length === 0 ? [] : [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))],
  ])
}

/**
 * What would be done, in a form that can be pasted: commands for a shell, the line of a crontab, or on Windows a file to
 * save and the command that reads it. `variables`: those that the configuration takes values from.
 */
export function planSummary({ kind, files, commands }: JobPlan, variables: readonly string[] = []): string {
  const parts = files.map(({ path, content, encoding }) => {
    const text = content.replace(/^\uFEFF/, '').trimEnd()
    return encoding === 'utf8'
      ? `cat > ${pasted(path, kind)} <<'END_OF_FILE'\n${text}\nEND_OF_FILE\n`
      : `# Save this as ${path}, encoded as UTF-16:\n${text}\n`
  })
  for (const { words, byHand } of commands) {
    parts.push(`${byHand ?? words.map((word) => pasted(word, kind)).join(' ')}\n`)
  }
  if (variables.length > 0) {
    parts.push(
      `# The job will not have these environment variables, which the configuration uses: ${variables.join(', ')}\n`,
    )
  }
  return parts.join('\n')
}

/** A word as the shell takes it. */
function pasted(word: string, kind: JobPlan['kind']): string {
  if (/^[\w@%+=:,./\\-]+$/.test(word) && (kind === 'task-scheduler' || !word.includes('\\'))) return word
  return kind === 'task-scheduler' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`
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
          `The configuration uses environment variables: ${variables.join(', ')}. The job does not have the environment of your terminal; write the values into the configuration or into files of their own, or set them for the whole machine.`,
        ]),
    ...(enabled ? [] : ['The schedule is off: "dicom-backup schedule enable" turns it on.']),
  ]
  return joinBlocks([
    verdict(warned.length === 0 ? 'ok' : 'look', `The hourly job is installed: ${KINDS[kind]} ${name}`, style),
    items(
      warned.map((text) => ({ mark: 'look' as const, name: '', details: [text] })),
      style,
    ),
    notes.flatMap((note) => paragraph(note, style)),
    [
      heading('Next', style),
      ...paragraph('"dicom-backup status" shows the next due time, and what needs attention.', style),
    ],
  ])
}

export function removalSummary(removed: readonly Installed[], style: Style): string {
  if (removed.length === 0) return 'There is no hourly job of this configuration.\n'
  const names = removed.map(({ kind, name }) => `${KINDS[kind]} ${name}`).join(', ')
  return joinBlocks([verdict('ok', `The hourly job was removed: ${names}`, style)])
}
