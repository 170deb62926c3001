/** What a scheduled job lacks that the terminal has in which it is installed. */
import type { Config } from '../config/types.ts'
import { ownPathsOf } from '../destinations/kinds.ts'
import { mappedPaths } from '../windows/mapped-drives.ts'

/** Node.js and this program read them, and no configuration names them. */
const SILENT = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy', 'NODE_EXTRA_CA_CERTS']

/** The absolute paths that a run uses. */
export function pathsOf({ file, dicom, state, log, destinations }: Config): string[] {
  return [file, dicom.root, state.dir, log.file, ...ownPathsOf(destinations)]
}

/** For people, each a sentence or two; empty when there is nothing to say. */
export function jobWarnings(
  config: Config,
  env: NodeJS.ProcessEnv = process.env,
  mapYields: typeof mappedPaths = mappedPaths,
): string[] {
  const set = SILENT.filter((name) => (env[name] ?? '') !== '')
  // Windows' variables have one name in any case.
  const names = [...new Map(set.map((name) => [name.toUpperCase(), name])).values()]
  return [
    ...(names.length === 0
      ? []
      : [
          `This terminal has ${names.join(', ')}, which the job will not have. Set ${names.length === 1 ? 'it' : 'them'} for the whole machine if the backup needs ${names.length === 1 ? 'it' : 'them'}.`,
        ]),
    ...mapYields(pathsOf(config)).map(
      ({ path, unc }) =>
        `${path} is on a network drive that only your logon has; the job will not find it. Write ${unc} in the configuration.`,
    ),
  ]
}
