import type { ArchivesResult } from '../../stages/contract/results.ts'
import { beside, heading, items, joinBlocks, paragraph, verdict, type Item, type Mark } from './blocks.ts'
import { formatBytes, formatLocalMinute } from './format.ts'
import { paint, signsOf, type Format, type Style } from './style.ts'
import { tableOrBelow, type Cell } from './table.ts'

type Backup = ArchivesResult['backups'][number]
type Copy = Backup['destinations'][number]

const LOOKS: Readonly<Record<Mark, Format>> = { ok: 'green', look: 'yellow', bad: 'red', unknown: 'dim' }

/** What lies where: a line each, newest first, with where its copies are. */
export function archivesSummary({ backups, ahead, unreachable }: ArchivesResult, style: Style): string {
  const failed = unreachable.map(({ name, error }): Item => ({
    mark: 'bad',
    name,
    details: [`${beside(name, error.message)} (${error.code})`],
  }))
  const notAsked = failed.length === 0 ? [] : [heading('Could not be asked', style), ...items(failed, style)]
  if (backups.length === 0) return joinBlocks([verdict('look', 'No backup found', style), notAsked])
  const head: Cell[] = ['', 'Backup', 'Size', 'Kind', 'Verified'].map((text) => [text, 'dim'] as const)
  const rows = tableOrBelow(
    [{}, {}, { align: 'right' }, { optional: true }, {}],
    [head, ...backups.map((one) => rowOf(one, ahead.includes(one.name), style))],
    { title: 'At', texts: backups.map(({ destinations }) => destinations.map(copyText).join(', ')) },
    style,
  )
  return joinBlocks([rows, notes(backups, ahead, style), notAsked])
}

function rowOf({ name, bytes, kind, destinations }: Backup, isAhead: boolean, style: Style): Cell[] {
  const mark = isAhead ? 'look' : markOf(destinations)
  const times = destinations.flatMap(({ verifiedAt, ok }) => (verifiedAt === null || ok === false ? [] : [verifiedAt]))
  const last = times.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1)
  const verified = last === undefined ? 'not yet' : formatLocalMinute(last)
  return [[signsOf(style)[mark], LOOKS[mark]], name, formatBytes(bytes), kind, verified]
}

function markOf(copies: readonly Copy[]): Mark {
  const bad = copies.filter(({ ok }) => ok === false).length
  if (bad > 0) return bad === copies.length ? 'bad' : 'look'
  return copies.some(({ ok }) => ok === true) ? 'ok' : 'unknown'
}

const copyText = ({ name, ok }: Copy): string => (ok === false ? `${name} (damaged)` : name)

function notes(backups: readonly Backup[], ahead: readonly string[], style: Style): string[] {
  const texts = []
  if (ahead.length > 0) {
    texts.push(
      `Started in the future by a wrong clock, so not taken for the newest: ${ahead.join(', ')}. Check the clock.`,
    )
  }
  if (backups.some(({ destinations }) => markOf(destinations) === 'unknown')) {
    texts.push('Not yet verified: this machine has no record of it. "dicom-backup verify NAME" checks it.')
  }
  return texts.flatMap((text) => paragraph(text, style, 0)).map((line) => paint(style, 'dim', line))
}
