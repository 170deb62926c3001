import type { InterruptedRun } from '../../stages/backup/results.ts'
import type { Status } from '../../stages/status/status.ts'
import { signInSteps } from './accounts-summary.ts'
import { beside, facts, heading, items, joinBlocks, paragraph, verdict, type Item, type Mark } from './blocks.ts'
import { formatBytes, formatCount, formatDuration, formatLocalMinute } from './format.ts'
import { signsOf, type Format, type Style } from './style.ts'
import { table, type Cell } from './table.ts'

type Account = Status['result']['accounts'][number]

const FORMATS: Readonly<Record<NonNullable<Account['lastStatus']>, readonly [Mark, Format]>> = {
  completed: ['ok', 'green'],
  interrupted: ['look', 'yellow'],
  failed: ['bad', 'red'],
}

/** Where the backups stand, for people, at a glance: are they up to date, since when, where not and what to do. */
export function statusSummary(status: Status, now: Date, style: Style): string {
  const { accounts, interruptedRun } = status.result
  const [mark, title] = titleOf(status, now)
  return joinBlocks([
    verdict(mark, title, style),
    factsOf(status, now, style),
    accountTable(accounts, style),
    errors(accounts, style),
    signInSteps(accounts, style),
    interruptedRun === null ? [] : interrupted(interruptedRun, style),
    next(status, style),
  ])
}

function titleOf({ result, overdue, newestBackupAt, active }: Status, now: Date): readonly [Mark, string] {
  if (newestBackupAt === null) return [overdue ? 'bad' : 'look', overdue ? 'Overdue: no backup yet' : 'No backup yet']
  const age = `the newest backup began ${formatDuration(now.getTime() - Date.parse(newestBackupAt))} ago`
  if (overdue) return ['bad', `Overdue: ${age}`]
  const signedIn = result.accounts.every(({ signIn }) => signIn === null || signIn.state === 'ok')
  const well = signedIn && (active !== null || result.interruptedRun === null)
  const stored = result.accounts.every(({ active: isOn, lastStatus }) => !isOn || lastStatus === 'completed')
  return well && stored ? ['ok', `Backed up: ${age}`] : ['look', `Backed up, but look at it: ${age}`]
}

function factsOf({ result, active }: Status, now: Date, style: Style): string[] {
  const { lastVerified } = result
  const { enabled, every, lastRunAt, nextDueAt } = result.schedule
  const late = nextDueAt !== null && Date.parse(nextDueAt) <= now.getTime()
  const since = active?.since == null ? '' : ` since ${formatLocalMinute(active.since)}`
  return facts(
    [
      ['Schedule', enabled ? `every ${every.replace('h', ' h')}` : 'off'],
      ['Last run', lastRunAt === null ? 'none yet' : `began ${formatLocalMinute(lastRunAt)}`],
      ['Next due', nextDueAt === null ? null : `${late ? 'since ' : ''}${formatLocalMinute(nextDueAt)}`],
      ['Running', active === null ? null : `a run is active${since}`],
      ['Backed Up', result.backedUp === 1 ? '1 verified copy' : `${formatCount(result.backedUp)} verified copies`],
      ['Looked at', lastVerified === null ? null : lookedAt(lastVerified)],
    ],
    style,
  )
}

/** Of which archive, when, and how it was found. */
function lookedAt({ archive, at, ok, method }: NonNullable<Status['result']['lastVerified']>): string {
  const how = { deep: ', every entry', 'restore-test': ', its dump loaded', 'provider-hash': '', 'read-back': '' }[
    method
  ]
  const found = ok ? 'it is well' : 'see "dicom-backup verify": it was not found well'
  return `${formatLocalMinute(at)}${how}: ${archive}; ${found}`
}

function accountTable(accounts: readonly Account[], style: Style): string[] {
  const rows = accounts.map(({ name, type, active, lastBackupAt, lastStatus }): Cell[] => {
    const [mark, format] = !active || lastStatus === null ? (['unknown', 'dim'] as const) : FORMATS[lastStatus]
    return [
      [signsOf(style)[mark], format],
      name,
      type,
      lastBackupAt === null ? 'never' : formatLocalMinute(lastBackupAt),
      active ? (lastStatus === null ? '' : [lastStatus, format]) : ['switched off', 'dim'],
    ]
  })
  const head: Cell[] = ['', '', '', 'Last backup', 'Last run'].map((text) => [text, 'dim'] as const)
  const columns = [{}, { shrinks: true }, { optional: true }, {}, { optional: true }] as const
  return [heading('Accounts', style), ...table(columns, [head, ...rows], style, 2)]
}

/** The errors of those that failed last time; one that several had, once. */
function errors(accounts: readonly Account[], style: Style): string[] {
  const names = new Map<string, string[]>()
  for (const account of accounts) {
    const text = errorOf(account)
    if (text !== null) names.set(text, [...(names.get(text) ?? []), account.name])
  }
  const list = [...names].map(([text, having]): Item => {
    const all = having.length > 1 && having.length === accounts.length
    return { mark: 'bad', name: all ? 'every destination' : having.join(', '), details: [text] }
  })
  return list.length === 0 ? [] : [heading('Last errors', style), ...items(list, style)]
}

/** What a person has stopped is no error to them. */
function errorOf({ name, active, lastStatus, lastError }: Account): string | null {
  if (!active || lastStatus !== 'failed' || lastError === null) return null
  return `${beside(name, lastError.message)} (${lastError.code})`
}

function interrupted(
  { archive, archiveBytes, whole, startedAt, destinations }: InterruptedRun,
  style: Style,
): string[] {
  const of = `${formatBytes(archiveBytes)}${whole ? '' : ' made so far'}`
  const list = destinations.map(({ name, status, heldBytes }): Item => {
    if (status === 'completed') return { mark: 'ok', name, details: ['stored and verified'] }
    return { mark: FORMATS[status][0], name, details: [`holds ${formatBytes(heldBytes)} of ${of}`] }
  })
  return [
    heading(whole ? 'Not stored everywhere yet' : 'Interrupted run', style),
    ...paragraph(`${archive}, begun ${formatLocalMinute(startedAt)}`, style),
    ...items(list, style),
  ]
}

function next({ result, overdue, newestBackupAt, active }: Status, style: Style): string[] {
  const { interruptedRun, accounts } = result
  const steps: string[] = []
  if (interruptedRun !== null) {
    steps.push(
      interruptedRun.whole
        ? 'The next "dicom-backup run" sends only what is lacking; "dicom-backup run --fresh" abandons it.'
        : 'The next "dicom-backup run" goes on there; "dicom-backup run --fresh" abandons it.',
    )
  } else if (active === null && (overdue || newestBackupAt === null)) {
    steps.push('"dicom-backup run" makes a backup now.')
  }
  if (overdue || accounts.some((account) => errorOf(account) !== null)) {
    steps.push('"dicom-backup doctor" tries everything a run needs and says what to mend.')
  }
  return steps.length === 0 ? [] : [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
