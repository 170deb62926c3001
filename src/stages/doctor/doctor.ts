/** Tries everything a run needs, each on its own, and says what to mend. */
import { access, constants, open, opendir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { asBackupError, systemCode } from '../../pipeline/errors.ts'
import { mustBeArchiveFolder } from '../backup/sources.ts'
import type { DoctorCheck, DoctorResult, SignInStatus } from '../backup/results.ts'
import { signInStatus } from '../accounts/sign-in-state.ts'
import { signInIn, withSignIns } from '../accounts/sign-ins.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { openDestination } from '../destinations/open.ts'
import { intervalMs } from '../schedule/grid.ts'
import { clockCheck } from './clock.ts'
import { DatabaseCheck } from './database.ts'
import type { Finding } from './finding.ts'

const MIB = 1024 * 1024
/** The plan, the manifest and the directory of a million files, with room to spare. */
const STATE_BYTES = 1024 * MIB

const mebibytes = (bytes: number): string =>
  bytes > 0 && bytes < MIB ? 'less than 1 MiB' : `${Math.round(bytes / MIB).toLocaleString('en-US')} MiB`

/**
 * Writes nothing but a probe file in the state and log folders, which it removes. Never rejects because something is
 * unwell.
 */
export async function doctor(config: LoadedConfig, signal: AbortSignal): Promise<DoctorResult> {
  const checks: DoctorCheck[] = []
  const check = async (name: string, examine: () => Promise<Finding>): Promise<void> => {
    checks.push({ name, remedy: '', ...(await examined(examine, signal)) })
  }
  let dumpBytes = 0
  await check('configuration', () => {
    const unwise = config.warnings.map(({ message }) => message)
    return Promise.resolve({ ok: true, detail: [config.file, ...unwise].join('; ') })
  })
  await check('archive folder', () => archiveFolder(config.dicom.root))
  const { database } = config
  if (database !== null) {
    const found = new DatabaseCheck(database, signal)
    await check('database', () => found.find(mebibytes))
    await check('dump program', () => found.tryDump())
    dumpBytes = found.estimatedBytes
  }
  let whole: LoadedConfig = config
  if (config.state.driver === 'mysql' && database !== null) {
    await check("the viewer's tables", async () => {
      const { stateTables } = await import('./state-tables.ts')
      const found = await stateTables(config, database)
      whole = found.config
      return found.finding
    })
  }
  await check('state folder', async () => {
    const found = await stateFolder(config.state.dir, dumpBytes)
    if (found.ok) whole = withSignIns(whole)
    return found
  })
  await check('log file', () => logFile(config.log.file))
  for (const one of whole.destinations) {
    await check(`destination ${one.name}`, async () => {
      const destination = openDestination(one, config.endpoints)
      try {
        const { label, freeBytes } = await destination.signIn(signal)
        const free = freeBytes === null ? 'no limit on space' : `${mebibytes(freeBytes)} free`
        const detail = `signed in: ${label}, ${free}`
        if (freeBytes === 0) return { ok: false, detail, remedy: 'Free space there.' }
        const lapsing = lapsingSignIn(one, whole)
        if (lapsing === null) return { ok: true, detail }
        const when = lapsing.lapsesAt === null ? 'soon' : `at ${lapsing.lapsesAt}`
        return { ok: false, detail: `${detail}; the sign-in lapses ${when}`, remedy: lapsing.advice }
      } finally {
        await destination.close()
      }
    })
  }
  await check('clock', () => clockCheck(whole, signal))
  return { ok: checks.every(({ ok }) => ok), checks }
}

async function examined(examine: () => Promise<Finding>, signal: AbortSignal): Promise<Finding> {
  try {
    return await examine()
  } catch (thrown) {
    const error = asBackupError(thrown, signal)
    if (signal.aborted) throw error
    return { ok: false, detail: error.message, remedy: error.advice }
  }
}

/** Of a destination that was signed in to just now; null when its sign-in stays. */
function lapsingSignIn(destination: DestinationConfig, { state, schedule }: LoadedConfig): SignInStatus | null {
  const status = signInStatus({
    destination,
    signIn: signInIn(destination, state.dir),
    lastError: null,
    now: new Date(),
    intervalMs: intervalMs(schedule.every),
  })
  return status === null || status.state === 'ok' ? null : status
}

async function archiveFolder(root: string): Promise<Finding> {
  await mustBeArchiveFolder(root)
  const folder = await opendir(root)
  const first = await folder.read()
  await folder.close()
  if (first !== null) return { ok: true, detail: root }
  return {
    ok: false,
    detail: `${root} is empty.`,
    remedy: 'If images should be there, check that their drive is connected.',
  }
}

async function stateFolder(folder: string, dumpBytes: number): Promise<Finding> {
  const found = await writable(folder, folder)
  if (!found.ok) return found
  const { bavail, bsize } = await statfs(await existing(folder))
  const free = bavail * bsize
  const needed = STATE_BYTES + 2 * dumpBytes
  if (free >= needed) return { ok: true, detail: `${folder}, ${mebibytes(free)} free` }
  return {
    ok: false,
    detail: `${folder} has ${mebibytes(free)} free; ${mebibytes(needed)} should be, for the dump and the plan of a run`,
    remedy: 'Free space there, or set state.dir to another disk.',
  }
}

async function logFile(file: string): Promise<Finding> {
  const found = await writable(path.dirname(file), file)
  if (!found.ok || (await existing(file)) !== file) return found
  try {
    await (await open(file, 'a')).close()
    return found
  } catch (error) {
    return {
      ok: false,
      detail: `${file} may not be written to (${systemCode(error)}).`,
      remedy: 'Set log.file to a file that the user who runs the backup may write to.',
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
      remedy: 'Name a folder in the configuration, or move that file away.',
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
      remedy: 'Give the user who runs the backup the right to write there.',
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
