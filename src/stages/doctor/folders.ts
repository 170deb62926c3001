/** The folders of this machine: what is backed up, the state, the log. */
import { access, constants, open, opendir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { mustBeArchiveFolder } from '../backup/sources.ts'
import { STATE_FILES, whyDamaged, whyNotWritable } from '../state/writable.ts'
import { formatBytes } from '../text/bytes.ts'
import type { Finding } from './finding.ts'

/** The plan, the manifest and the directory of a million files, with room to spare. */
const STATE_BYTES = 1024 ** 3

export async function archiveFolder(root: string): Promise<Finding> {
  await mustBeArchiveFolder(root)
  const folder = await opendir(root)
  const first = await folder.read()
  await folder.close()
  if (first !== null) return { ok: true, detail: root }
  return {
    ok: false,
    detail: `${root} is empty.`,
    remedy: `If images should be in ${root}, check that their drive is connected.`,
  }
}

/** `dumpBytes`: about what the dump of a run will take there. */
export async function stateFolder(folder: string, dumpBytes: number): Promise<Finding> {
  const found = await writable(folder, folder)
  if (!found.ok) return found
  const faults = await Promise.all(STATE_FILES.map((name) => whyDamaged(path.join(folder, name))))
  const fault = [await whyNotWritable(folder), ...faults].find((one) => one !== null)
  if (fault !== undefined) return { ok: false, ...fault }
  const { bavail, bsize } = await statfs(await existing(folder))
  const free = bavail * bsize
  const needed = STATE_BYTES + 2 * dumpBytes
  if (free >= needed) return { ok: true, detail: `${folder}, writable, ${formatBytes(free)} free` }
  return {
    ok: false,
    detail: `${folder} has ${formatBytes(free)} free. A run needs ${formatBytes(needed)} there for the dump and the plan.`,
    remedy: `Free space on the disk of ${folder}, or set state.dir to another disk.`,
  }
}

export async function logFile(file: string): Promise<Finding> {
  const found = await writable(path.dirname(file), file)
  if (!found.ok || (await existing(file)) !== file) return found
  try {
    await (await open(file, 'a')).close()
    return found
  } catch (error) {
    return {
      ok: false,
      detail: `${file} may not be written to (${systemCode(error)}).`,
      remedy: `Let the user who runs the backup write to ${file}, or set log.file to another file.`,
    }
  }
}

/** Whether files can be made in `folder`, or in the nearest folder above it that exists. */
async function writable(folder: string, named: string): Promise<Finding> {
  const place = await existing(folder)
  if (!(await stat(place)).isDirectory()) {
    return {
      ok: false,
      detail: `${place} is not a folder.`,
      remedy: `Move the file ${place} away, or name another folder in the configuration.`,
    }
  }
  const probe = path.join(place, `.dicom-backup-probe-${process.pid}`)
  try {
    await writeFile(probe, '', { flag: 'wx' })
    await rm(probe)
    return { ok: true, detail: named }
  } catch (error) {
    return {
      ok: false,
      detail: `${place} may not be written to (${systemCode(error)}).`,
      remedy: `Give the user who runs the backup the right to write to ${place}.`,
    }
  }
}

async function existing(folder: string): Promise<string> {
  try {
    await access(folder, constants.F_OK)
    return folder
  } catch {
    const above = path.dirname(folder)
    return above === folder ? folder : await existing(above)
  }
}
