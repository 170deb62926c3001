import type { PruneResult } from '../../stages/contract/results.ts'
import { beside, heading, items, joinBlocks, paragraph, verdict, type Item } from './blocks.ts'
import { signsOf, type Style } from './style.ts'
import { table, type Cell } from './table.ts'

/** What `prune` deleted, or would delete, and why the rest stays. */
export function pruneSummary(result: PruneResult, dryRun: boolean, style: Style): string {
  const { deleted, kept, destinations, reason } = result
  if (reason !== undefined) return joinBlocks([verdict('ok', 'Nothing to delete', style), paragraph(reason, style)])
  const failed = destinations.some(({ failures }) => failures.length > 0)
  const refused = destinations.some((one) => one.refused !== null)
  const archives = deleted.length === 1 ? '1 archive' : `${deleted.length} archives`
  const title = dryRun ? `${archives} would be deleted` : `${archives} deleted`
  return joinBlocks([
    verdict(failed || refused ? 'look' : 'ok', title, style),
    listed(
      dryRun ? 'To delete' : 'Deleted',
      deleted.map((one) => [one.name, one.destination, '']),
      style,
    ),
    listed(
      'Kept',
      kept.map((one) => [one.name, one.destination, one.reason]),
      style,
    ),
    told(destinations, style),
    dryRun && deleted.length > 0 ? paragraph('Run it without --dry-run to delete them.', style) : [],
  ])
}

function listed(title: string, rows: readonly (readonly [string, string, string])[], style: Style): string[] {
  if (rows.length === 0) return []
  const cells = rows.map(([name, destination, reason]): Cell[] => [
    signsOf(style).arrow,
    name,
    destination,
    [reason, 'dim'],
  ])
  return [heading(title, style), ...table([{}, {}, { shrinks: true }, { shrinks: true }], cells, style, 2)]
}

function told(destinations: PruneResult['destinations'], style: Style): string[] {
  const list = destinations.flatMap(({ name, refused, failures }): Item[] => [
    ...(refused === null ? [] : [{ mark: 'look' as const, name, details: [refused] }]),
    ...failures.map((failure) => ({ mark: 'bad' as const, name, details: [beside(name, failure)] })),
  ])
  return list.length === 0 ? [] : [heading('Needs attention', style), ...items(list, style)]
}
