import { NewerFormatError } from '../../pipeline/files/format-version.ts'
import { DamagedEntry } from '../archive/archive-entry.ts'
import { ArchiveReader } from '../archive/archive-reader.ts'
import { remoteFile } from '../archive/remote-file.ts'
import type { Copy } from '../find/found.ts'
import { ActivityReporter } from '../find/activity.ts'
import { readEveryEntry, type DeepFindings } from './deep.ts'
import { couldNot, failed, orStop, well } from './finding.ts'
import type { Finding, Found, VerifyOptions } from './types.ts'

/** Reads a copy: every entry with `contents`, else only its directory and manifest. Rejects with E_ABORTED and
 * NewerFormatError only. */
export async function lookInto(
  { destination, stored }: Copy,
  { name }: Found,
  contents: boolean,
  options: VerifyOptions,
): Promise<Finding> {
  const { onWork, signal } = options
  const teller = new ActivityReporter(onWork, destination.name)
  teller.begin('reading', stored.bytes)
  try {
    const reader = await ArchiveReader.open(remoteFile(destination, stored, name), signal)
    return described(await readEveryEntry(reader, { contents, onBytes: teller.read, signal }), contents)
  } catch (error) {
    if (error instanceof NewerFormatError) throw error
    const known = orStop(options)(error)
    if (known.code !== 'E_INTEGRITY') return couldNot(destination.name, known)
    const damaged = known instanceof DamagedEntry ? [{ path: known.entry.name, reason: known.reason }] : null
    return { ...failed(known.message), ...(damaged === null ? {} : { damaged }) }
  }
}

function described({ entries, provedBy, damagedEntries, damaged }: DeepFindings, contents: boolean): Finding {
  const all = `${entries} ${entries === 1 ? 'entry' : 'entries'}`
  if (damagedEntries > 0) {
    const are = damagedEntries === 1 ? 'is' : 'are'
    return { ...failed(`${damagedEntries} of ${all} ${are} damaged`), damaged }
  }
  if (!contents) {
    return well(
      provedBy === 'sha256'
        ? `it is whole, and directory and manifest agree on ${all}`
        : `it is whole and its directory names ${all}; it has no manifest`,
    )
  }
  const by = provedBy === 'sha256' ? 'CRC-32, size and SHA-256 of the manifest' : 'CRC-32 and size; it has no manifest'
  return well(`all of its ${all} were read and are intact (${by})`)
}
