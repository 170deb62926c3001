import { existsSync } from 'node:fs'
import type { LoadedConfig } from '../config/load.ts'
import { pathsOf } from '../schedule/job-warnings.ts'
import { mappedPaths } from '../windows/mapped-drives.ts'
import { readersIn, rightsOf } from '../windows/private-path.ts'
import type { Check, Finding } from './finding.ts'

/** Folders that web servers serve: Apache's and XAMPP's, WAMP's, IIS's, and those of accounts. */
const SERVED = ['htdocs', 'www', 'wwwroot', 'public_html']

/** Where this machine's own calls are in the way of a test. */
export interface Surroundings {
  readonly platform: NodeJS.Platform
  /** Of a path that exists, as SDDL. */
  readonly rightsOf: (file: string) => string
  readonly mappedPaths: (paths: readonly string[]) => ReturnType<typeof mappedPaths>
}

const HERE: Surroundings = { platform: process.platform, rightsOf, mappedPaths: (paths) => mappedPaths(paths) }

/** Adds a check for each way in which secrets and patients' data are open to others; none where there is nothing to say. */
export async function checkExposure(config: LoadedConfig, check: Check, here: Surroundings = HERE): Promise<void> {
  for (const [name, finding] of Object.entries({
    'web server': servedFinding(config),
    'access rights': rightsFinding(config, here),
    'network drives': drivesFinding(config, here),
  })) {
    if (finding !== null) await check(name, () => Promise.resolve(finding))
  }
}

function servedFinding({ file, state, log }: LoadedConfig): Finding | null {
  const served = [file, state.dir, log.file].filter((one) => one.toLowerCase().split(/[/\\]/).some(isServed))
  if (served.length === 0) return null
  return {
    ok: true,
    warning: true,
    detail: `${served.join(', ')}: a web server may show this to the whole network`,
    remedy: 'Move the configuration, state.dir and log.file out of the folders that the web server serves.',
  }
}

const isServed = (part: string): boolean => SERVED.includes(part)

function rightsFinding({ file, state }: LoadedConfig, here: Surroundings): Finding | null {
  if (here.platform !== 'win32') return null
  const open: string[] = []
  let first = ''
  for (const one of [file, state.dir]) {
    if (!existsSync(one)) continue
    try {
      const readers = readersIn(here.rightsOf(one))
      if (readers.length === 0) continue
      open.push(`${one} can be read by ${readers.join(', ')}`)
      if (first === '') first = one
    } catch {
      open.push(`the access rights of ${one} could not be read`)
    }
  }
  if (open.length === 0) return null
  const remedy =
    first === ''
      ? 'Look at them in its properties, under Security.'
      : `For each: icacls "${first}" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" "%USERNAME%:(OI)(CI)F" (for a file without (OI)(CI); in PowerShell $env:USERNAME for %USERNAME%).`
  return { ok: true, warning: true, detail: open.join('; '), remedy }
}

function drivesFinding(config: LoadedConfig, here: Surroundings): Finding | null {
  const mapYields = here.mappedPaths(pathsOf(config))
  if (mapYields.length === 0) return null
  return {
    ok: true,
    warning: true,
    detail: `${mapYields.map(({ path }) => path).join(', ')}: on a network drive that only your logon has; the hourly job will not find it`,
    remedy: `Write in the configuration: ${mapYields.map(({ unc }) => unc).join(', ')}`,
  }
}
