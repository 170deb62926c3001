/** Tries everything a run needs, each on its own, and says how to fix it. */
import { asBackupError } from '../../pipeline/contract/errors.ts'
import { withSignIns } from '../accounts/sign-ins.ts'
import { refuseNewerState } from '../backup/newer-state.ts'
import type { DoctorCheck, DoctorResult } from '../contract/results.ts'
import type { LoadedConfig } from '../config/load.ts'
import { withPlaceFaults } from '../destinations/places.ts'
import { clockCheck } from './clock.ts'
import { DatabaseCheck } from './database.ts'
import { destinationFinding } from './destinations.ts'
import { checkExposure } from './exposure.ts'
import { checkOf, type Check, type Finding } from './finding.ts'
import { archiveFolder, logFile, stateFolder } from './folders.ts'
import { lastBackup } from './last-backup.ts'

/**
 * Leaves nothing behind: probe files are removed, uploads that it begins are given up. Never rejects because something
 * is at fault.
 */
export async function doctor(config: LoadedConfig, signal: AbortSignal): Promise<DoctorResult> {
  const checks: DoctorCheck[] = []
  const check: Check = async (name, examine) => {
    checks.push(checkOf(name, await examined(examine, signal)))
  }
  await check('configuration', () => Promise.resolve(configuration(config)))
  await check('archive folder', () => archiveFolder(config.dicom.root))
  const { database } = config
  const inDatabase = database === null ? null : new DatabaseCheck(database, signal)
  if (inDatabase !== null) {
    await check('database', () => inDatabase.find())
    await check('dump program', () => inDatabase.tryDump())
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
  const newer = await refuseNewerState(config.state.dir).then(() => null, asBackupError)
  const { archive, dumpBytes } = await lastBackup(config)
  await check('state folder', async () => {
    if (newer !== null) throw newer
    const found = await stateFolder(config.state.dir, Math.max(inDatabase?.estimatedBytes ?? 0, dumpBytes))
    if (found.ok) whole = withSignIns(whole)
    return found
  })
  await check('log file', () => logFile(config.log.file))
  await checkExposure(config, check)
  if (newer === null) whole = await withPlaceFaults(whole, { signal, note: false })
  for (const one of whole.destinations) {
    await check(`destination ${one.name}`, () => destinationFinding(one, { config: whole, archive, signal }))
  }
  await check('clock', () => clockCheck(whole, signal))
  return { ok: checks.every(({ ok }) => ok), checks }
}

function configuration({ file, warnings }: LoadedConfig): Finding {
  if (warnings.length === 0) return { ok: true, detail: file }
  return { ok: true, warning: true, detail: [file, ...warnings.map(({ message }) => message)].join('; ') }
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
