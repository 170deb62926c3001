import path from 'node:path'
import type { Fault } from './config-error.ts'
import { remoteFolderOf } from './remote-folder.ts'
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
  return [...faults, ...remoteFaults(source)]
}

/** Two destinations of one sign-in and one folder; Dropbox takes a path in any case as the same. */
function remoteFaults(source: Source): Fault[] {
  const destinations = valueAt(source.value, ['destinations'])
  const taken = new Map<string, number>()
  return (Array.isArray(destinations) ? destinations : []).flatMap((destination: unknown, index): Fault[] => {
    const place = remotePlace(destination)
    if (place === null) return []
    const earlier = taken.get(place)
    if (earlier === undefined) {
      taken.set(place, index)
      return []
    }
    const at = ['destinations', index, 'folder']
    const message = `is also the folder of destinations[${earlier}], in the same account; expected a folder of its own`
    return [source.fault(source.spot(at) === null ? ['destinations', index] : at, message)]
  })
}

/** Null where the configuration does not show the account: what is connected in the browser may be two accounts. */
function remotePlace(destination: unknown): string | null {
  const type = valueAt(destination, ['type'])
  const written = valueAt(destination, ['folder']) ?? 'DICOM_Backups'
  if ((type !== 'dropbox' && type !== 'google-drive') || typeof written !== 'string') return null
  const folder = remoteFolderOf(written)
  const keys = [['accessToken'], ['refreshToken'], ['oauth', 'refreshToken'], ['credentialsFile']]
  const account = keys.map((key) => valueAt(destination, key)).find((value) => typeof value === 'string')
  if (folder === null || account === undefined) return null
  return JSON.stringify([type, account, type === 'dropbox' ? folder.toLowerCase() : folder])
}

function isWithin(outer: string, inner: string): boolean {
  const way = path.relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}
