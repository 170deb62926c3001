import { DIGESTS } from '../../pipeline/contract/digests.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import type { DestinationResult, RunResult } from '../../stages/contract/results.ts'
import { traitsOf } from '../../stages/destinations/kinds.ts'
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
import {
  formatBytes,
  formatDicom,
  formatDuration,
  formatFiles,
  formatLocalMinute,
  formatLocalTime,
  formatRange,
  formatRatio,
} from './format.ts'
import type { Style } from './style.ts'

const TITLES: Readonly<Record<RunResult['status'], readonly [Mark, string]>> = {
  completed: ['ok', 'Backup completed'],
  partial: ['look', 'Backup stored with warnings'],
  failed: ['bad', 'Backup failed: nothing new was stored'],
  interrupted: ['look', 'Backup interrupted; it can be resumed'],
  skipped: ['ok', 'Nothing to do'],
}

/**
 * A run's result for people: what was stored and where, what was left out, what went wrong and what to do. Names no
 * files but the archive. `progress` are the run's counters at its end, for the sizes that the result does not have;
 * null when there are none.
 */
export function runSummary(result: RunResult, progress: Progress | null, style: Style): string {
  const [kind, title] = TITLES[result.status]
  const { status, reason = '', destinations } = result
  if (status === 'skipped') return joinBlocks([[...verdict(kind, title, style), ...paragraph(reason, style)]])
  const stored = destinations.filter((one) => one.status === 'completed')
  const others = destinations.filter((one) => one.status !== 'completed')
  return joinBlocks([
    [...verdict(kind, title, style), ...paragraph(`${reason}\n${resumedText(result, progress)}`, style)],
    factsOf(result, progress, stored.length > 0, style),
    list(
      'Stored and verified',
      stored.map((one) => storedItem(one, result)),
      style,
    ),
    list(
      status === 'interrupted' ? 'Not stored yet' : 'Not stored',
      others.map((one) => otherItem(one, result, progress)),
      style,
    ),
    leftOut(result.skippedFiles, leftOutNames(stored.length > 0), style),
    warnings(result.warnings, style),
    next(result, others, progress, style),
  ])
}

/** What a resumed run began with, in a sentence; empty for another one. */
function resumedText(result: RunResult, progress: Progress | null): string {
  const { resumed, startedAt, archive, destinations } = result
  if (!resumed) return ''
  const earlier = destinations.map((one) => Math.max(0, (heldBy(one, result, progress) ?? 0) - one.bytesSent))
  const of = archive === null ? '' : ` of ${formatBytes(archive.bytes)}`
  const run = `Resumed the run of ${formatLocalMinute(startedAt)}`
  return earlier.length === 0 ? `${run}.` : `${run}; ${formatRange(earlier, formatBytes)}${of} were uploaded already.`
}

/** Bytes of the archive that a destination holds; null when nobody has counted them. */
function heldBy({ name, status }: DestinationResult, { archive }: RunResult, progress: Progress | null): number | null {
  if (status === 'completed' && archive !== null) return archive.bytes
  return progress?.destinations.find((one) => one.name === name)?.held ?? null
}

function factsOf(
  { archive, dicom, startedAt, finishedAt, resumed }: RunResult,
  progress: Progress | null,
  stored: boolean,
  style: Style,
): string[] {
  const made = stored ? archive : null
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))
  const ended = formatLocalTime(finishedAt)
  const dump = stored ? (progress?.dumpBytes ?? 0) : 0
  // Files that were left out count in bytesDone, so there is no ratio to tell then.
  const original = progress === null || progress.filesSkipped > 0 ? 0 : progress.bytesDone + progress.dumpBytes
  const ratio = made === null ? null : formatRatio(original, made.bytes)
  return facts(
    [
      ['Archive', made === null ? null : made.name],
      ['Size', made === null ? null : formatBytes(made.bytes) + (ratio === null ? '' : `, compressed ${ratio}`)],
      ['Files', made === null ? null : formatFiles(made.files)],
      ['DICOM', made === null ? null : formatDicom(made.files, dicom)],
      ['Database', dump > 0 ? `${formatBytes(dump)} of SQL` : null],
      resumed ? ['Finished', `${ended}, ${took} after the run began`] : ['Took', `${took}, finished ${ended}`],
    ],
    style,
  )
}

function list(title: string, all: readonly Item[], style: Style): string[] {
  return all.length === 0 ? [] : [heading(title, style), ...items(all, style)]
}

function storedItem({ name, type, remotePath, bytesSent }: DestinationResult, { resumed }: RunResult): Item {
  const verified = `verified: ${DIGESTS[traitsOf({ type }).digest].title} compared${resumed ? `; ${formatBytes(bytesSent)} uploaded this time` : ''}`
  return { mark: 'ok', name, details: remotePath === null ? [verified] : [remotePath, verified] }
}

function otherItem(destination: DestinationResult, result: RunResult, progress: Progress | null): Item {
  const { name, status, error, bytesSent } = destination
  const held = heldBy(destination, result, progress)
  if (status === 'interrupted') {
    const sent = formatBytes(bytesSent)
    return {
      mark: 'look',
      name,
      details: [
        held === null ? `${sent} uploaded this time` : `${uploadedText(held, result)}, ${sent} of it this time`,
      ],
    }
  }
  const uploaded = result.status === 'partial' && held !== null ? [uploadedText(held, result)] : []
  if (error === null) return { mark: 'bad', name, details: ['failed', ...uploaded] }
  const why = error.message === result.reason ? 'for the reason above' : beside(name, error.message)
  return { mark: 'bad', name, details: [`${why} (${error.code})`, ...uploaded] }
}

function uploadedText(held: number, { archive }: RunResult): string {
  if (archive === null) return `${formatBytes(held)} uploaded`
  const missing = Math.max(0, archive.bytes - held)
  return `${formatBytes(held)} of ${formatBytes(archive.bytes)} uploaded${missing === 0 ? ', not verified' : `, ${formatBytes(missing)} missing`}`
}

function leftOutNames(stored: boolean): string {
  const places = stored ? ' and in backup-manifest.ndjson inside the archive' : ''
  return `Their names are in the output of --json${places}. They may contain patient ids, so they are not shown here.`
}

function next(
  { status }: RunResult,
  others: readonly DestinationResult[],
  progress: Progress | null,
  style: Style,
): string[] {
  const steps: string[] = []
  if (status === 'completed') {
    steps.push(
      (progress?.dumpBytes ?? 0) > 0
        ? '"dicom-backup verify --restore-test" proves that the database can be restored from it.'
        : '"dicom-backup verify --deep" reads every entry back and proves that it can be restored.',
    )
  }
  if (status === 'partial' && others.length > 0) {
    const where = others.length === 1 ? 'there' : 'at each of them'
    steps.push(
      `Fix the problems above. The next "dicom-backup run" completes this backup ${where}; it sends only what is missing.`,
    )
  }
  if (status === 'partial' && others.length === 0) {
    steps.push('Check the warnings above. The archive itself is whole and verified.')
  }
  if (status === 'failed') {
    steps.push(
      '"dicom-backup doctor" checks everything a run needs and says how to fix it. Earlier backups are unchanged.',
    )
  }
  if (status === 'interrupted') {
    steps.push(
      'The next "dicom-backup run" resumes it and sends only what is missing; "dicom-backup run --fresh" abandons it. Earlier backups are unchanged.',
    )
  }
  return [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
