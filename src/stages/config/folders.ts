import path from 'node:path'
import type { DestinationKind } from '../destinations/kind.ts'
import { kindOf } from '../destinations/kinds.ts'
import type { Fault } from './config-error.ts'
import { valueAt } from './source.ts'
import type { Source } from './source.ts'

/**
 * What must hold between the folders: no two destinations share one, since their archives have the same name, and none lies
 * in the archive folder, where every backup would hold the backups before it.
 */
export function folderFaults(source: Source, base: string): Fault[] {
  const absolute = (name: string): string => path.resolve(base, name)
  const root = valueAt(source.value, ['dicom', 'root'])
  const destinations: unknown = valueAt(source.value, ['destinations'])
  const taken = new Map<string, number>()
  return (Array.isArray(destinations) ? destinations : []).flatMap((entry: unknown, index): Fault[] => {
    const kind = kindOf({ type: String(valueAt(entry, ['type'])) })
    const place = kind?.placeOf(entry as Readonly<Record<string, unknown>>, absolute) ?? null
    if (kind === null || place === null) return []
    const at = ['destinations', index, 'folder']
    const where = source.spot(at) === null ? ['destinations', index] : at
    const key = JSON.stringify([kind.type, place])
    const earlier = taken.get(key)
    if (earlier === undefined) taken.set(key, index)
    return [
      ...(earlier === undefined ? [] : [source.fault(where, sameFolder(kind, earlier))]),
      ...(kind.traits.isLocal && typeof root === 'string' && isWithin(absolute(root), place)
        ? [source.fault(where, INSIDE)]
        : []),
    ]
  })
}

const INSIDE = 'is inside dicom.root, so each backup would contain the earlier ones; expected a folder outside it'

function sameFolder({ traits }: DestinationKind, earlier: number): string {
  const inAccount = traits.isLocal ? '' : ', in the same account'
  return `is also the folder of destinations[${earlier}]${inAccount}; expected a folder of its own`
}

function isWithin(outer: string, inner: string): boolean {
  const way = path.relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}
