import type { RestoreResult } from '../../stages/contract/results.ts'
import { isOfConcern } from '../exit.ts'
import { facts, heading, joinBlocks, leftOut, paragraph, verdict, warnings, type Mark } from './blocks.ts'
import { formatBytes, formatCount, formatDuration, formatFiles } from './format.ts'
import type { Style } from './style.ts'

export interface RestoreFacts {
  readonly to: string | null
  /** `--from`: the only destination that was to be used. */
  readonly from: string | null
  readonly tookMs: number
}

const MOST_RENAMED = 5

/** A restore's result for people. Names no file, for their names may hold patients'. */
export function restoreSummary(result: RestoreResult, given: RestoreFacts, style: Style): string {
  const { to, tookMs } = given
  const { archive, from, files, bytes, skipped, database, damaged = [], notFound } = result
  const [mark, title] = titleOf(result)
  const there = skipped > 0 ? `; ${formatFiles(skipped)} already there` : ''
  const unnamed = 'Their names are in the output of --json. They may contain patient ids, so they are not shown here.'
  return joinBlocks([
    verdict(mark, title, style),
    facts(
      [
        ['Archive', `${archive}, from ${from}`],
        ['Folder', to],
        [
          'Files',
          to === null ? null : `${formatFiles(files)}, ${formatBytes(bytes)}, each compared with the manifest${there}`,
        ],
        ['Left out', result.leftOut === undefined ? null : `${formatFiles(result.leftOut)}, by the backup itself`],
        ['Renamed', result.renamed === undefined ? null : `${formatFiles(result.renamed.length)}; --json names them`],
        ['Database', database === null ? null : databaseText(database)],
        ['Changed', database?.renamed === undefined ? null : changedText(database)],
        ['Took', formatDuration(tookMs)],
      ],
      style,
    ),
    damaged.length === 0 ? [] : ['', ...leftOut(damaged, unnamed, style)].slice(1),
    notFound === undefined ? [] : missing(notFound, style),
    warnings(result.warnings, style),
    next(result, given, style),
  ])
}

function titleOf({ database, damagedFiles = 0, notFound, warnings: told }: RestoreResult): readonly [Mark, string] {
  if (damagedFiles > 0) return ['bad', `Restored, except ${formatFiles(damagedFiles)}`]
  if (notFound !== undefined) return ['bad', 'Not everything you asked for is in the archive']
  const fits = database === null || database.expectedTables === null || database.tables === database.expectedTables
  if (!fits) return ['look', 'Restored with warnings: the number of tables differs']
  return !told.some(isOfConcern) ? ['ok', 'Restored'] : ['look', 'Restored with warnings']
}

function changedText({ name, renamed = [] }: NonNullable<RestoreResult['database']>): string {
  const first = renamed.slice(0, MOST_RENAMED).join(', ')
  const more = renamed.length > MOST_RENAMED ? ` and ${formatCount(renamed.length - MOST_RENAMED)} more` : ''
  return `${first}${more} named the source database; ${renamed.length === 1 ? 'it names' : 'they name'} ${name} now`
}

function databaseText({ name, tables, expectedTables, rows }: NonNullable<RestoreResult['database']>): string {
  const expected = expectedTables === null || expectedTables === tables ? '' : ` (the manifest says ${expectedTables})`
  return `${name}: ${formatCount(tables)} ${tables === 1 ? 'table' : 'tables'}${expected}, ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`
}

/** What was typed on the command line is no news to who typed it. */
function missing({ patients, studies, series }: NonNullable<RestoreResult['notFound']>, style: Style): string[] {
  const rows = [
    ['Patient', patients],
    ['Study', studies],
    ['Series', series],
  ] as const
  return [
    heading('Not in the archive', style),
    ...facts(
      rows.flatMap(([kind, all]) => all.map((one) => [kind, one] as const)),
      style,
    ),
  ]
}

function next({ damagedFiles = 0, notFound, archive }: RestoreResult, { from }: RestoreFacts, style: Style): string[] {
  const steps: string[] = []
  if (damagedFiles > 0) {
    steps.push(
      from === null
        ? 'Every available copy was tried. "dicom-backup verify --deep" checks each one; an older archive may have these files too.'
        : `Run it again without --from ${from}: another destination may have an intact copy, and files that are already restored are skipped.`,
    )
  }
  if (notFound !== undefined) steps.push(`"dicom-backup restore ${archive} --list" shows what is in the archive.`)
  return steps.length === 0 ? [] : [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
