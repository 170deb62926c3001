import type { StudyList } from '../../stages/restore/list-studies.ts'
import { facts, joinBlocks, paragraph, heading, warnings } from './blocks.ts'
import { formatBytes, formatCount, formatFiles, formatLocalMinute } from './format.ts'
import type { Style } from './style.ts'
import { table, type Cell } from './table.ts'

const HEADS = ['Patient', 'Date', 'Description', 'Modality', 'Series', 'Files', 'Size', 'Study']
const COLUMNS = [
  { shrinks: true },
  {},
  { shrinks: true, optional: true },
  {},
  { align: 'right', optional: true },
  { align: 'right' },
  { align: 'right' },
  {},
] as const

/** The studies in an archive, for the person who asked for them: it shows patients' ids. */
export function restoreList(
  list: StudyList & { readonly archive: string; readonly from: string },
  style: Style,
): string {
  const { archive, from, head, studies, others, leftOut, misfits } = list
  const rows = studies.map((study): Cell[] => [
    study.patientId ?? '',
    study.date ?? '',
    study.description ?? '',
    study.modalities.join(', '),
    formatCount(study.series),
    formatCount(study.files),
    formatBytes(study.bytes),
    study.studyUid,
  ])
  const heads = HEADS.map((text): Cell => [text, 'dim'])
  // A UID that is cut is of no use: the table takes the width that it needs.
  const wide = { ...style, columns: Math.max(style.columns, 160) }
  return joinBlocks([
    facts(
      [
        ['Archive', `${archive}, from ${from}`],
        ['Begun', formatLocalMinute(head.startedAt)],
        ['Database', head.database === null ? 'none' : `${head.database.name}, ${head.database.tables} tables`],
        ['Studies', formatCount(studies.length)],
        [
          'Others',
          others.files === 0 ? null : `${formatFiles(others.files)} of no study, ${formatBytes(others.bytes)}`,
        ],
        ['Left out', leftOut === 0 ? null : `${formatFiles(leftOut)}, by the backup itself`],
        ['Damaged', misfits === 0 ? null : `${formatCount(misfits)} entries; "dicom-backup verify --deep" tells more`],
      ],
      style,
    ),
    warnings(head.database?.lacks ?? [], style),
    studies.length === 0 ? [] : table(COLUMNS, [heads, ...rows], wide, 2),
    [
      heading('Next', style),
      ...paragraph(
        `"dicom-backup restore ${archive} --study UID --to FOLDER" restores one of them; --patient and --series are there too.`,
        style,
      ),
    ],
  ])
}
