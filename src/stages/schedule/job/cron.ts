/** One line of the account's crontab. crontab(5) */
import { jobName, type JobCall, type JobPlan } from './job.ts'

/** cron cuts longer lines, or refuses them. */
export const LONGEST_LINE = 990

/** The crontab with this job's line in it, in the place of an earlier one; the other lines as they are. */
export function cronJob(call: JobCall, crontab: string): JobPlan {
  const others = cronRemoval(call, crontab).commands[0]?.input ?? ''
  return plan(call, `${others}${line(call)}\n`, `# Add this line to the crontab ("crontab -e"):\n${line(call)}`)
}

/** The crontab without this job's line. */
export function cronRemoval(call: JobCall, crontab: string): JobPlan {
  const others = crontab.split('\n').filter((one) => !isLineOf(call, one))
  const text = others.join('\n')
  const byHand = `# Delete this line from the crontab ("crontab -e"):\n${line(call)}`
  return plan(call, text === '' || text.endsWith('\n') ? text : `${text}\n`, byHand)
}

export function hasCronJob(call: JobCall, crontab: string): boolean {
  return crontab.split('\n').some((one) => isLineOf(call, one))
}

function plan(call: JobCall, crontab: string, byHand: string): JobPlan {
  return {
    kind: 'cron',
    name: jobName(call),
    files: [],
    commands: [{ words: ['crontab', '-'], input: crontab, byHand }],
    notes: ['cron mails errors to this account, if the machine can send mail.'],
  }
}

/** The comment at its end is the shell's, and marks it as ours. */
const isLineOf = (call: JobCall, one: string): boolean => one.endsWith(` # ${jobName(call)}`)

/** What goes to stdout is a result that nobody reads; warnings and errors go to stderr, and so into cron's mail. */
function line(call: JobCall): string {
  const command = `cd ${shell(call.folder)} && ${[call.program, ...call.args].map(shell).join(' ')} >/dev/null`
  return `0 * * * * ${command} # ${jobName(call)}`
}

export function cronLine(call: JobCall): string {
  return line(call)
}

/**
 * For sh, through cron, which ends a command at a bare % and takes the first of two backslashes, or of one before a %,
 * away: so % stands outside the quotes as \\%, and the quotes end and begin anew behind each backslash.
 */
function shell(word: string): string {
  const escaped = word.replaceAll(/['%\\]/g, (one) => (one === '\\' ? "\\''" : `'\\${one}'`))
  return `'${escaped}'`
}
