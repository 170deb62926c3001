import path from 'node:path'
import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { openLog } from '../../stages/log/log.ts'
import { openStateToRead } from '../../stages/state/open-state.ts'
import { listArchive, restoreArchive } from '../../stages/restore/restore.ts'
import type { Selection } from '../../stages/restore/selection.ts'
import { restoreErrorText } from '../display/restore-error.ts'
import { restoreList } from '../display/restore-list.ts'
import { openWorkDisplay } from '../display/restore-progress.ts'
import { restoreSummary } from '../display/restore-summary.ts'
import { styleOf } from '../display/style.ts'
import { EXIT, exitOfError, exitOfRestore, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'
import { withStateIfAny } from '../command-context.ts'
import { streams, write } from '../streams.ts'

export interface RestoreFlags {
  readonly archive: string | null
  readonly from: string | null
  readonly to: string | null
  readonly database: string | null
  readonly list: boolean
  readonly selection: Selection
  readonly overwrite: boolean
  readonly owner: boolean
}

/** `restore`: brings an archive's files or its database back, or shows what is in it. */
export async function restore(configFile: string, flags: RestoreFlags, output: Output): Promise<ExitCode> {
  mustFit(flags)
  return await withStateIfAny(configFile, openStateToRead, (place) => restoreFrom(place, flags, output))
}

async function restoreFrom(
  { config, state, lost }: Parameters<Parameters<typeof withStateIfAny>[2]>[0],
  flags: RestoreFlags,
  output: Output,
): Promise<ExitCode> {
  const display = openWorkDisplay(streams.stderr, output.quiet)
  const log = openLog(config.log, config.secrets, display.lines, output.verbose)
  const stop = stopSignals(
    'Start it again when you are ready: files that are already restored are not downloaded again.',
    () => undefined,
    (text) => {
      display.note(text)
    },
  )
  const found = { archive: false }
  const common = { ...flags, state, log: log.logger, onWork: display.onWork, signal: stop.signal }
  try {
    if (lost !== null) log.logger.warn({ err: lost }, 'the accounts in the state are unknown here')
    if (flags.list) {
      const list = await stop.ends(listArchive(config, common))
      display.stop()
      await output.result(list, (style) => restoreList(list, style, streams.stdout.isTTY === true))
      return EXIT.done
    }
    const begun = performance.now()
    const to = flags.to === null ? null : path.resolve(flags.to)
    const onFound: Parameters<typeof restoreArchive>[1]['onFound'] = ({ name, copies }) => {
      found.archive = true
      if (!output.quiet) display.note(`${name}, at ${copies.map(({ destination }) => destination.name).join(', ')}`)
    }
    const result = await stop.ends(restoreArchive(config, { ...common, to, onFound }))
    display.stop()
    const facts = { to, from: flags.from, tookMs: performance.now() - begun }
    await output.result(result, (style) => restoreSummary(result, facts, style))
    return exitOfRestore(result)
  } catch (error) {
    display.stop()
    const known = asBackupError(error)
    // That nothing was begun is true of what comes before.
    if (output.json || (known.code === 'E_CONFIG' && !found.archive)) throw known
    await write('stderr', restoreErrorText(known, styleOf(streams.stderr)))
    return exitOfError(known)
  } finally {
    stop.dispose()
    log.close()
  }
}

/** Throws E_CONFIG for words that do not go together, saying what would. */
function mustFit({ to, database, list, selection, overwrite, owner }: RestoreFlags): void {
  const selected = selection.patients.length + selection.studies.length + selection.series.length > 0
  const restoring = to !== null || database !== null
  if (list && (restoring || selected || overwrite || owner)) {
    throw wrong('--list cannot be combined with any option but --from.', 'Leave one out.')
  }
  if (!list && !restoring) {
    throw wrong(
      'No restore target given.',
      'Add --to FOLDER for the files, --database NAME for the database, both, or --list to see what is in the archive.',
    )
  }
  if (selected && to === null) {
    throw wrong(
      '--study, --series and --patient select files, but no folder to restore them to was given.',
      'Add --to FOLDER. A database is always restored as a whole.',
    )
  }
  if (owner && to === null) {
    throw wrong('--owner is about files, but no folder to restore them to was given.', 'Add --to FOLDER.')
  }
  if (owner && process.platform === 'win32') {
    throw wrong('--owner works on Linux and macOS only.', 'Leave it out.')
  }
}

function wrong(message: string, advice: string): BackupError {
  return new BackupError('E_CONFIG', message, { advice: `${advice} See: dicom-backup restore --help` })
}
