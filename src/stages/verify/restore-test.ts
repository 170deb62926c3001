import { randomBytes } from 'node:crypto'
import { abortError, asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { NewerFormatError } from '../../pipeline/files/format-version.ts'
import { ArchiveReader } from '../archive/archive-reader.ts'
import { remoteFile } from '../archive/remote-file.ts'
import type { VerifyCheck } from '../contract/results.ts'
import type { RunLog } from '../contract/run-log.ts'
import { report } from '../contract/report.ts'
import type { Config, DatabaseConfig } from '../config/types.ts'
import type { Copy } from '../find/found.ts'
import { ActivityReporter, type OnWork } from '../find/activity.ts'
import { findDump, type ArchivedDump } from '../restore/database/entry.ts'
import { dropDatabase, type SqlServer } from '../restore/database/server.ts'
import { mustHaveServer, restoreDatabase, withServer, type LoadedDatabase } from '../restore/database/load.ts'
import { failed, unchecked, well } from './finding.ts'
import type { Finding } from './types.ts'

/** How long the server is given to drop the database, also after a stop. ms. */
const DROP_MS = 120_000

interface TestOptions {
  readonly log: RunLog
  readonly onWork: OnWork
  readonly signal: AbortSignal
}

/** Checks copies in the order that they are given in. Rejects with E_ABORTED. */
type RestoreTest = (copies: readonly Copy[], options: TestOptions) => Promise<VerifyCheck>

/**
 * What loads the dump of the first copy that can be read into a database made for it, counts what is there and drops it,
 * however that ends. Throws E_CONFIG when there is no server in the configuration.
 */
export function restoreTest(config: Config): RestoreTest {
  const server = mustHaveServer(config)
  return async (copies, options) => {
    let last: VerifyCheck | null = null
    for (const copy of copies) {
      last = { destination: copy.destination.name, method: 'restore-test', ...(await tryCopy(copy, server, options)) }
      if (last.checked) return last
    }
    if (last !== null) return last
    throw new BackupError('E_DESTINATION', 'No destination has the archive, so its dump cannot be loaded.')
  }
}

async function tryCopy({ destination, stored }: Copy, config: DatabaseConfig, options: TestOptions): Promise<Finding> {
  const { onWork, signal } = options
  try {
    const reader = await ArchiveReader.open(remoteFile(destination, stored), signal)
    const dump = await findDump(reader, signal)
    if (dump === null) return unchecked('there is no database in it')
    const teller = new ActivityReporter(onWork, destination.name)
    const loaded = await withServer(config, (server) => loadAndDrop(dump, server, teller, options))
    return loaded instanceof BackupError ? couldNotLoad(loaded) : compared(loaded, dump)
  } catch (error) {
    if (signal.aborted) throw abortError(signal)
    if (error instanceof NewerFormatError) throw error
    const known = asBackupError(error)
    const { message } = report(known)
    return known.code === 'E_INTEGRITY' ? failed(message) : unchecked(message)
  }
}

/** Whether it is the dump's fault: an account that lacks a privilege, or a line that broke, say nothing about it. */
function couldNotLoad(error: BackupError): Finding {
  const { message } = report(error.cause instanceof BackupError ? error.cause : error)
  return error.code === 'E_INTEGRITY' || error.code === 'E_DUMP' ? failed(message) : unchecked(message)
}

/** Gives the error with which the loading ended; rejects when it could not begin. */
async function loadAndDrop(
  dump: ArchivedDump,
  server: SqlServer,
  teller: ActivityReporter,
  { log, signal }: TestOptions,
): Promise<LoadedDatabase | BackupError> {
  const state = { isBegun: false }
  const name = `dicom_backup_test_${randomBytes(6).toString('hex')}`
  log.info({ database: name }, 'loading the dump into a database that is dropped again')
  try {
    return await restoreDatabase(dump, {
      server,
      name,
      overwrite: false,
      isolated: true,
      onStep: (step) => {
        state.isBegun = true
        teller.begin(step, step === 'loading' ? dump.bytes : null)
      },
      onBytes: teller.read,
      signal,
    })
  } catch (error) {
    const known = asBackupError(error, signal)
    if (!state.isBegun || known.code === 'E_ABORTED') throw known
    return known
  } finally {
    await dropDatabase(server, name, AbortSignal.timeout(DROP_MS)).catch((error: unknown) => {
      log.warn({ database: name, err: asBackupError(error) }, 'drop this database by hand')
    })
  }
}

function compared({ tables, rows, warnings }: LoadedDatabase, { about }: ArchivedDump): Finding {
  const loaded = `the dump was loaded: ${tables} tables with ${rows} rows`
  const all = warnings.length === 0 ? {} : { warnings }
  if (about === null) return { ...well(`${loaded}; the archive does not say how many there should be`), ...all }
  if (tables !== about.tables) {
    return { ...failed(`${loaded}, but the manifest says ${about.tables}`), ...all }
  }
  return { ...well(`${loaded}, as many tables as the manifest says`), ...all }
}
