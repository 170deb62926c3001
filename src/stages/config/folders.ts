import path from 'node:path'
import type { Fault } from './config-error.ts'
import { valueAt } from './source.ts'
import type { Source } from './source.ts'

/**
 * What must hold between the folders: no two local destinations share one, since their archives have the same name, and
 * none lies in the archive folder, where every backup would hold the backups before it.
 */
export function folderFaults(source: Source, base: string): Fault[] {
  const faults: Fault[] = []
  const root = valueAt(source.value, ['dicom', 'root'])
  const destinations = valueAt(source.value, ['destinations'])
  const taken = new Map<string, number>()
  for (const [index, destination] of (Array.isArray(destinations) ? destinations : []).entries()) {
    const written = valueAt(destination, ['folder'])
    if (valueAt(destination, ['type']) !== 'local' || typeof written !== 'string') continue
    const folder = path.resolve(base, written)
    const at = ['destinations', index, 'folder']
    const earlier = taken.get(folder)
    if (earlier === undefined) taken.set(folder, index)
    else faults.push(source.fault(at, `is also the folder of destinations[${earlier}]; expected a folder of its own`))
    if (typeof root === 'string' && isWithin(path.resolve(base, root), folder)) {
      faults.push(
        source.fault(
          at,
          'is inside dicom.root, so each backup would contain the earlier ones; expected a folder outside it',
        ),
      )
    }
  }
  return faults
}

function isWithin(outer: string, inner: string): boolean {
  const way = path.relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}
