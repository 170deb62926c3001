import type { ListedStudy, StudyList } from '../../stages/restore/list-studies.ts'
import { facts, joinBlocks, paragraph, heading, warnings } from './blocks.ts'
import { formatBytes, formatCount, formatFiles, formatLocalMinute } from './format.ts'
import type { Style } from './style.ts'
import { table, type Cell } from './table.ts'
import { clean } from './width.ts'

/** What is typed for the patients without an id. */
const NO_ID = "''"

/**
 * The studies in an archive, for the person who asked for them: it shows patients' ids. On a terminal it fits the width,
 * and what is too long of a description is cut; else each study is one line and nothing is cut. Ids never are.
 */
export function restoreList(
  list: StudyList & { readonly archive: string; readonly from: string },
  style: Style,
  isTerminal: boolean,
): string {
  const { archive, from, head, studies, others, leftOut, mismatches } = list
  return joinBlocks([
    facts(
      [
        ['Archive', `${archive}, from ${from}`],
        ['Started', formatLocalMinute(head.startedAt)],
        [
          'Database',
          head.database === null
            ? 'none'
            : `${head.database.name}, ${head.database.tables} ${head.database.tables === 1 ? 'table' : 'tables'}`,
        ],
        ['Studies', formatCount(studies.length)],
        [
          'Others',
          others.files === 0 ? null : `${formatFiles(others.files)} of no study, ${formatBytes(others.bytes)}`,
        ],
        ['Note', withoutIds(list)],
        ['Left out', leftOut === 0 ? null : `${formatFiles(leftOut)}, by the backup itself`],
        [
          'Damaged',
          mismatches === 0 ? null : `${formatCount(mismatches)} entries; "dicom-backup verify --deep" has the details`,
        ],
      ],
      style,
    ),
    warnings(head.database?.lacks ?? [], style),
    studies.length === 0 ? [] : isTerminal ? byPatient(studies, style) : lines(studies, style),
    [
      heading('Next', style),
      ...paragraph(
        `"dicom-backup restore ${archive} --study UID --to FOLDER" restores one of them; --patient ID and --series UID as well, and --patient ${NO_ID} the studies without a patient's id.`,
        style,
      ),
    ],
  ])
}

/** Null: each DICOM file is of a study, and there are some. */
function withoutIds({ studies, others, head }: StudyList): string | null {
  if (others.instances > 0) {
    return `${formatFiles(others.instances)} of them are DICOM without a study's UID; --study cannot restore them`
  }
  if (studies.length > 0 || head.counts.files === 0) return null
  return 'not one file is a DICOM file; check that dicom.root is the right folder'
}

const HEADS = ['Date', 'Description', 'Modality', 'Series', 'Files', 'Size']
const COLUMNS = [
  {},
  { shrinks: true },
  { shrinks: true },
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
] as const

const cellsOf = ({ date, description, modalities, series, files, bytes }: ListedStudy): Cell[] => [
  date ?? '',
  description ?? '',
  modalities.join(', '),
  formatCount(series),
  formatCount(files),
  formatBytes(bytes),
]

function lines(studies: readonly ListedStudy[], style: Style): string[] {
  const rows = studies.map((study) => [study.patientId ?? NO_ID, ...cellsOf(study), study.studyUid])
  const heads = ['Patient', ...HEADS, 'Study'].map((text): Cell => [text, 'dim'])
  return table([{}, ...COLUMNS, {}], [heads, ...rows], { ...style, columns: Infinity }, 2)
}

/** A patient's id and a study's UID have lines of their own, as each may be 64 characters long. */
function byPatient(studies: readonly ListedStudy[], style: Style): string[] {
  const heads = HEADS.map((text): Cell => [text, 'dim'])
  const [first = '', ...rows] = table(COLUMNS, [heads, ...studies.map(cellsOf)], style, 2)
  return [
    first,
    ...studies.flatMap(({ patientId, studyUid }, n) => {
      const isNew = n === 0 || studies[n - 1]?.patientId !== patientId
      const patient = isNew ? [heading(`Patient ${patientId === null ? NO_ID : clean(patientId)}`, style)] : []
      return [...patient, rows[n] ?? '', `    ${clean(studyUid)}`]
    }),
  ]
}
