import type { InterruptedRun, RunningRun } from '../../stages/contract/results.ts'
import type { Status } from '../../stages/status/status.ts'
import { beside, facts, heading, items, joinBlocks, paragraph, verdict, type Item, type Mark } from './blocks.ts'
import { formatBytes, formatCount, formatDuration, formatLocalMinute, formatPercent } from './format.ts'
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
    toDo(status.result, style),
    interruptedRun === null ? [] : interrupted(interruptedRun, style),
    next(status, style),
  ])
}

function titleOf({ result, overdue, newestBackupAt }: Status, now: Date): readonly [Mark, string] {
  if (newestBackupAt === null) return [overdue ? 'bad' : 'look', overdue ? 'Overdue: no backup yet' : 'No backup yet']
  const age = `the newest backup started ${formatDuration(now.getTime() - Date.parse(newestBackupAt))} ago`
  if (overdue) return ['bad', `Overdue: ${age}`]
  return result.reasons.length === 0 ? ['ok', `Backed up: ${age}`] : ['look', `Backed up, but action is needed: ${age}`]
}

function factsOf({ result }: Status, now: Date, style: Style): string[] {
  const { lastVerified, running, copies } = result
  const { enabled, every, lastRunAt, nextDueAt } = result.schedule
  const late = nextDueAt !== null && Date.parse(nextDueAt) <= now.getTime()
  const listed = copies.map(({ checkedAt }) => Date.parse(checkedAt))
  return facts(
    [
      ['Schedule', enabled ? `every ${every.replace('h', ' h')}` : 'off'],
      ['Last run', lastRunAt === null ? 'none yet' : `began ${formatLocalMinute(lastRunAt)}`],
      ['Next due', nextDueAt === null ? null : `${late ? 'since ' : ''}${formatLocalMinute(nextDueAt)}`],
      ['Running', running === null ? null : runningText(running, now)],
      ['Backed Up', `${copiesText(result.backedUp)}, counted over all runs and destinations`],
      ['Listed', listed.length === 0 ? null : `${formatLocalMinute(Math.min(...listed))}, ${listedText(copies)}`],
      ['Last verified', lastVerified === null ? null : lookedAt(lastVerified)],
    ],
    style,
  )
}

const copiesText = (count: number): string =>
  count === 1 ? '1 verified copy' : `${formatCount(count)} verified copies`

function listedText(copies: Status['result']['copies']): string {
  const isWell = copies.every(({ gone, error }) => gone.length === 0 && error === null)
  return isWell ? 'all stored backups are there' : 'see below'
}

/** A run that has not moved for so long says since when. ms. */
const STANDS_STILL_MS = 5 * 60_000

function runningText({ since, movedAt, phase, bytes, bytesDone }: RunningRun, now: Date): string {
  const began = since === null ? '' : ` since ${formatLocalMinute(since)}`
  const far = bytes === null || bytes === 0 ? '' : `, ${formatPercent(bytesDone / bytes)} of the files read`
  const stands = movedAt !== null && now.getTime() - Date.parse(movedAt) >= STANDS_STILL_MS
  const still = stands ? `; has not moved since ${formatLocalMinute(movedAt)}` : ''
  return `a run is active${began}${phase === null ? '' : ` (${phase}${far})`}${still}`
}

/** Of which archive, when, and how it was found. */
function lookedAt({ archive, at, ok, method }: NonNullable<Status['result']['lastVerified']>): string {
  const how = { deep: ', every entry', 'restore-test': ', its dump loaded', 'provider-hash': '', 'read-back': '' }[
    method
  ]
  return `${formatLocalMinute(at)}${how}: ${archive} ${ok ? 'is intact' : 'was not found intact'}`
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

/** Shown with how far it is, and what comes next. */
const SHOWN_ELSEWHERE = ['run-interrupted']

/** What is to be done; a line that several destinations have, once. */
function toDo({ reasons, accounts }: Status['result'], style: Style): string[] {
  const names = new Map<string, string[]>()
  for (const { code, destination, message } of reasons) {
    if (SHOWN_ELSEWHERE.includes(code)) continue
    const text = destination === null ? message : beside(destination, message)
    names.set(text, [...(names.get(text) ?? []), ...(destination === null ? [] : [destination])])
  }
  const count = accounts.filter(({ active }) => active).length
  const list = [...names].map(([text, having]): Item => {
    const name = having.length > 1 && having.length === count ? 'every destination' : having.join(', ')
    return { mark: 'bad', name, details: [capitalized(text)] }
  })
  const [alone, named] = [list.filter(({ name }) => name === ''), list.filter(({ name }) => name !== '')]
  return list.length === 0 ? [] : [heading('To do', style), ...items(alone, style), ...items(named, style)]
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function interrupted(
  { archive, archiveBytes, whole, startedAt, destinations }: InterruptedRun,
  style: Style,
): string[] {
  const of = `${formatBytes(archiveBytes)}${whole ? '' : ' made so far'}`
  const list = destinations.map(({ name, status, heldBytes }): Item => {
    if (status === 'completed') return { mark: 'ok', name, details: ['stored and verified'] }
    return { mark: FORMATS[status][0], name, details: [`${formatBytes(heldBytes)} uploaded of ${of}`] }
  })
  return [
    heading(whole ? 'Not stored everywhere yet' : 'Interrupted run', style),
    ...paragraph(`${archive}, started ${formatLocalMinute(startedAt)}`, style),
    ...items(list, style),
  ]
}

function next({ result, overdue }: Status, style: Style): string[] {
  const { interruptedRun, reasons } = result
  const steps: string[] = []
  if (interruptedRun !== null) {
    steps.push(
      interruptedRun.whole
        ? 'The next "dicom-backup run" sends only what is missing; "dicom-backup run --fresh" abandons it.'
        : 'The next "dicom-backup run" resumes it; "dicom-backup run --fresh" abandons it.',
    )
  }
  if (overdue || reasons.some(({ code }) => code === 'destination-failed')) {
    steps.push('"dicom-backup doctor" tries everything a run needs and says how to fix it.')
  }
  return steps.length === 0 ? [] : [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
