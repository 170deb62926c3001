import path from 'node:path'
import { BackupError } from '../../pipeline/contract/errors.ts'
import type { DestinationConfig } from '../destinations/config.ts'
import type { WrittenDestination } from '../destinations/kind.ts'
import { kindOf } from '../destinations/kinds.ts'
import { addSecrets } from '../text/redact.ts'
import { ConfigError } from './config-error.ts'
import type { Fault } from './config-error.ts'
import { folderFaults } from './folders.ts'
import { configPlaces } from './places.ts'
import { readKeyFiles, worldReadable } from './key-files.ts'
import { secretsOf } from './secrets.ts'
import type { WrittenConfig } from './schema.ts'
import { readSource } from './source.ts'
import { MISSING, readTextFile } from './text-file.ts'
import type { Config, DatabaseTls } from './types.ts'
import { validate } from './validate.ts'

export interface LoadedConfig extends Config {
  /** What works but should be mended, such as a password file that everybody may read. */
  readonly warnings: readonly Fault[]
}

/**
 * Reads a configuration file, and the password and key files it names; `redact` knows its secrets from then on. Throws
 * a ConfigError with all faults at once, or E_CONFIG when the file itself cannot be read.
 */
export function loadConfig(file: string, env: NodeJS.ProcessEnv = process.env): LoadedConfig {
  const absolute = path.resolve(file)
  const base = path.dirname(absolute)
  const content = readTextFile(absolute)
  if ('problem' in content) {
    throw new BackupError('E_CONFIG', `The configuration file ${absolute} ${content.problem}.`, {
      advice:
        content.problem === MISSING
          ? `Write a starter file with "dicom-backup init", or name yours with --config or the variable DICOM_BACKUP_CONFIG. Otherwise these are tried: ${configPlaces().join(', ')}.`
          : 'Name a text file saved as UTF-8 that this account may read.',
    })
  }
  const source = readSource(content.text, env)
  if (source.faults.some(({ key }) => key === '')) throw new ConfigError(absolute, source.faults)

  const { config, faults } = validate(source)
  const keyFiles = readKeyFiles(source, base)
  const all = [...source.faults, ...faults, ...keyFiles.faults, ...folderFaults(source, base)]
  if (config === null || all.length > 0) throw new ConfigError(absolute, inOrder(all))

  const secrets = secretsOf(source)
  const values = [...new Set([...secrets.map(({ value }) => value), ...keyFiles.secrets])]
  addSecrets(values)
  const exposed = content.worldReadable && secrets.some(({ literal }) => literal)
  return {
    ...absoluteConfig(config, absolute, keyFiles.password),
    secrets: values,
    warnings: [
      ...(exposed ? [{ key: '', line: 1, column: 1, message: worldReadable(absolute) }] : []),
      ...keyFiles.warnings,
    ],
  }
}

/** One fault a place, the first that was found: what else is said of it follows from that one. */
function inOrder(faults: readonly Fault[]): Fault[] {
  const told = new Map<string, Fault>()
  for (const fault of faults) {
    const place = `${fault.line}:${fault.column} ${fault.key}`
    if (!told.has(place)) told.set(place, fault)
  }
  return [...told.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

function absoluteConfig(written: WrittenConfig, file: string, filePassword: string | null): Omit<Config, 'secrets'> {
  const absolute = (name: string): string => path.resolve(path.dirname(file), name)
  const { database, dicom, archive, state, log, schedule, retention, endpoints } = written
  return {
    file,
    database:
      database === undefined
        ? null
        : {
            host: database.host,
            port: database.port ?? 3306,
            // A Windows pipe's name is no path.
            socket:
              database.socket === undefined
                ? null
                : process.platform === 'win32'
                  ? database.socket
                  : absolute(database.socket),
            user: database.user,
            password: filePassword ?? database.password ?? '',
            name: database.name,
            dumpCommand: database.dumpCommand === undefined ? null : command(database.dumpCommand, absolute),
            ...(database.tls === undefined ? {} : { tls: absoluteTls(database.tls, absolute) }),
          },
    dicom: { ...dicom, root: absolute(dicom.root) },
    archive,
    state: { ...state, dir: absolute(state.dir) },
    log: { ...log, file: absolute(log.file) },
    destinations: written.destinations.map((destination) => absoluteDestination(destination, absolute)),
    schedule,
    retention: retention ?? null,
    endpoints,
  }
}

function absoluteTls(
  { ca, cert, key, required }: NonNullable<NonNullable<WrittenConfig['database']>['tls']>,
  absolute: (name: string) => string,
): DatabaseTls {
  const file = (name: string | undefined): string | null => (name === undefined ? null : absolute(name))
  return { ca: file(ca), cert: file(cert), key: file(key), required }
}

/** A bare name is looked up in PATH. */
function command(written: string, absolute: (name: string) => string): string {
  return path.basename(written) === written ? written : absolute(written)
}

/** What its kind's schema has taken. */
function absoluteDestination(entry: object, absolute: (name: string) => string): DestinationConfig {
  const written = entry as WrittenDestination
  const kind = kindOf(written)
  if (kind === null) throw new Error(`There is no kind of destination named ${written.type}.`)
  return kind.resolve(written, absolute)
}
