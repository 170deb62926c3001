import type { Progress } from '../../pipeline/progress.ts'
import type { DestinationResult, RunResult } from '../../stages/backup/results.ts'
import {
  beside,
  facts,
  heading,
  items,
  joinBlocks,
  leftOut,
  paragraph,
  verdict,
  warnings,
  type Item,
  type Mark,
} from './blocks.ts'
import { formatBytes, formatDuration, formatFiles, formatLocalTime, formatRatio } from './format.ts'
import type { Style } from './style.ts'

const TITLES: Readonly<Record<RunResult['status'], readonly [Mark, string]>> = {
  completed: ['ok', 'Backup completed'],
  partial: ['look', 'Backup stored, but look at it'],
  failed: ['bad', 'Backup failed: nothing new was stored'],
  interrupted: ['look', 'Backup interrupted'],
}

const HASHES: Readonly<Record<string, string>> = {
  dropbox: 'content hash',
  'google-drive': 'MD5',
  local: 'content hash',
}

/**
 * A run's result for people: what was stored and where, what was left out, what went wrong and what to do. Names no
 * files but the archive. `progress` are the run's counters at its end, for the sizes that the result does not have;
 * null when there are none.
 */
export function runSummary(result: RunResult, progress: Progress | null, style: Style): string {
  const [kind, title] = TITLES[result.status]
  const { destinations } = result
  const stored = destinations.filter(({ status }) => status === 'completed')
  const others = destinations.filter(({ status }) => status !== 'completed')
  return joinBlocks([
    [...verdict(kind, title, style), ...(result.reason === undefined ? [] : paragraph(result.reason, style))],
    factsOf(result, progress, stored.length > 0, style),
    list(
      'Stored and verified',
      stored.map((one) => storedItem(one, result)),
      style,
    ),
    list(
      result.status === 'interrupted' ? 'Not stored yet' : 'Not stored',
      others.map((one) => otherItem(one, result)),
      style,
    ),
    leftOut(result.skippedFiles, leftOutNames(stored.length > 0), style),
    warnings(result.warnings, style),
    next(result, others, style),
  ])
}

function factsOf(
  { archive, startedAt, finishedAt, resumed }: RunResult,
  progress: Progress | null,
  stored: boolean,
  style: Style,
): string[] {
  const made = stored ? archive : null
  const took = `${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}, ended ${formatLocalTime(finishedAt)}`
  const dump = stored ? (progress?.dumpBytes ?? 0) : 0
  // Files that were left out count in bytesDone, so there is no ratio to tell then.
  const original = progress === null || progress.filesSkipped > 0 ? 0 : progress.bytesDone + progress.dumpBytes
  const ratio = made === null ? null : formatRatio(original, made.bytes)
  return facts(
    [
      ['Archive', made === null ? null : made.name],
      ['Size', made === null ? null : formatBytes(made.bytes) + (ratio === null ? '' : `, compressed ${ratio}`)],
      ['Files', made === null ? null : formatFiles(made.files)],
      ['Database', dump > 0 ? `${formatBytes(dump)} of SQL` : null],
      ['Took', took],
      ['Resumed', resumed ? 'went on with an interrupted run' : null],
    ],
    style,
  )
}

function list(title: string, all: readonly Item[], style: Style): string[] {
  return all.length === 0 ? [] : [heading(title, style), ...items(all, style)]
}

function storedItem({ name, type, remotePath, bytesSent }: DestinationResult, { resumed }: RunResult): Item {
  const verified = `verified: ${HASHES[type] ?? 'hash'} compared${resumed ? `; ${formatBytes(bytesSent)} sent this time` : ''}`
  return { mark: 'ok', name, details: remotePath === null ? [verified] : [remotePath, verified] }
}

function otherItem(destination: DestinationResult, { reason }: RunResult): Item {
  const { name, status, error, bytesSent } = destination
  if (status === 'interrupted')
    return { mark: 'look', name, details: [`interrupted; ${formatBytes(bytesSent)} sent this time`] }
  if (error === null) return { mark: 'bad', name, details: ['failed'] }
  const why = error.message === reason ? 'for the reason above' : beside(name, error.message)
  return { mark: 'bad', name, details: [`${why} (${error.code})`] }
}

function leftOutNames(stored: boolean): string {
  const places = stored ? ' and in backup-manifest.ndjson inside the archive' : ''
  return `Their names are in the result that --json prints${places}; they may hold patient ids, so they are not shown here.`
}

function next({ status }: RunResult, others: readonly DestinationResult[], style: Style): string[] {
  const failed = others.filter((one) => one.status === 'failed')
  const steps: string[] = []
  if (status === 'completed') {
    steps.push('Nothing to do. Unpack it somewhere now and then, to see that it can be restored.')
  }
  if (status === 'partial' && failed.length > 0) {
    const names = failed.map(({ name }) => ` --destination ${name}`).join('')
    steps.push(`When that is mended: "dicom-backup run${names}" stores a new backup there.`)
  }
  if (status === 'partial' && others.length === 0) {
    steps.push('The archive is whole; see whether what is told above was to be expected.')
  }
  if (status === 'failed') {
    steps.push(
      'Earlier backups are as they were.',
      '"dicom-backup doctor" tries everything a run needs and says what to mend.',
    )
  }
  if (status === 'interrupted') {
    steps.push('What was sent shows nowhere as a backup; earlier backups are as they were.')
    steps.push('The next "dicom-backup run" makes a new one from the start.')
  }
  return [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
