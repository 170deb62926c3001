import type { DryRunResult } from '../../stages/contract/results.ts'
import { beside, facts, heading, items, joinBlocks, leftOut, paragraph, warnings, type Item } from './blocks.ts'
import { formatBytes, formatCount, formatDicom, formatFiles, formatRatio } from './format.ts'
import type { Style } from './style.ts'
import { table, type Cell } from './table.ts'

/**
 * What a run would store, for people: counts by transfer syntax and modality, the estimate, and where it fits. Names no
 * files.
 */
export function dryRunSummary(result: DryRunResult, style: Style): string {
  return joinBlocks([
    [heading('Plan of a backup; nothing is written', style)],
    factsOf(result, style),
    syntaxes(result, style),
    modalities(result, style),
    destinations(result, style),
    leftOut(
      result.skippedFiles,
      'Their names are in the output of --json. They may contain patient ids, so they are not shown here.',
      style,
    ),
    warnings(result.warnings, style),
    [heading('Next', style), ...paragraph(next(result), style)],
  ])
}

function factsOf({ files, bytes, dicom, database, estimatedArchiveBytes }: DryRunResult, style: Style): string[] {
  const ratio = formatRatio(bytes + (database?.estimatedBytes ?? 0), estimatedArchiveBytes)
  return facts(
    [
      ['Files', `${formatFiles(files)}, ${formatBytes(bytes)}`],
      ['DICOM', formatDicom(files, dicom)],
      [
        'Database',
        database === null
          ? 'none configured'
          : database.estimatedBytes === null
            ? `${database.name}, size unknown`
            : `${database.name}, about ${formatBytes(database.estimatedBytes)} of SQL`,
      ],
      ['Archive', `about ${formatBytes(estimatedArchiveBytes)}${ratio === null ? '' : `, ${ratio}`}`],
    ],
    style,
  )
}

function syntaxes({ byTransferSyntax }: DryRunResult, style: Style): string[] {
  if (byTransferSyntax.length === 0) return []
  const rows = byTransferSyntax.map(({ name, files, bytes, estimatedArchiveBytes }): Cell[] => [
    name,
    formatCount(files),
    formatBytes(bytes),
    formatBytes(estimatedArchiveBytes),
  ])
  const head: Cell[] = ['', 'Files', 'Size', 'In the archive'].map((text) => [text, 'dim'] as const)
  const columns = [
    { shrinks: true },
    { align: 'right' },
    { align: 'right' },
    { align: 'right', optional: true },
  ] as const
  return [heading('By transfer syntax', style), ...table(columns, [head, ...rows], style, 2)]
}

function modalities({ byModality }: DryRunResult, style: Style): string[] {
  if (byModality.length === 0) return []
  const rows = byModality.map(({ modality, files, bytes }): Cell[] => [
    modality ?? 'none named',
    formatCount(files),
    formatBytes(bytes),
  ])
  const head: Cell[] = ['', 'Files', 'Size'].map((text) => [text, 'dim'] as const)
  const columns = [{ shrinks: true }, { align: 'right' }, { align: 'right' }] as const
  return [heading('By modality', style), ...table(columns, [head, ...rows], style, 2)]
}

function destinations({ destinations: all, estimatedArchiveBytes }: DryRunResult, style: Style): string[] {
  const list = all.map(({ name, freeBytes, fits, error }): Item => {
    if (error !== null) return { mark: 'bad', name, details: [`${beside(name, error.message)} (${error.code})`] }
    if (freeBytes === null || fits === null) return { mark: 'unknown', name, details: ['free space unknown'] }
    const free = `${formatBytes(freeBytes)} free`
    return fits
      ? { mark: 'ok', name, details: [`fits: ${free}`] }
      : { mark: 'bad', name, details: [`does not fit: ${free}, about ${formatBytes(estimatedArchiveBytes)} needed`] }
  })
  return [heading('Destinations', style), ...items(list, style)]
}

function next({ destinations: all }: DryRunResult): string {
  const mend = all.some(({ fits, error }) => fits === false || error !== null)
  return mend
    ? 'Fix the marked destinations; "dicom-backup doctor" says how. Then "dicom-backup run" makes this backup.'
    : '"dicom-backup run" makes this backup.'
}
