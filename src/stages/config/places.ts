import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export const CONFIG_NAME = 'dicom-backup.yaml'

/**
 * Where a configuration file is looked for when none is named, the first that exists wins: the current folder, the
 * user's configuration folder (XDG Base Directory Specification; `%APPDATA%` on Windows), the machine's.
 */
export function configPlaces(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = os.homedir(),
): string[] {
  const set = (name: string, otherwise: string): string => {
    const value = env[name] ?? ''
    return value === '' ? otherwise : value
  }
  const join = (...parts: string[]): string => (platform === 'win32' ? path.win32 : path.posix).join(...parts)
  const folders =
    platform === 'win32'
      ? [set('APPDATA', join(home, 'AppData', 'Roaming')), set('ProgramData', 'C:\\ProgramData')]
      : [set('XDG_CONFIG_HOME', join(home, '.config')), '/etc']
  return [CONFIG_NAME, ...folders.map((folder) => join(folder, 'dicom-backup', CONFIG_NAME))]
}

/** The configuration file to use when none is named; where there is none yet, that of the current folder. */
export function defaultConfig(places: readonly string[] = configPlaces()): string {
  return places.find((place) => existsSync(place)) ?? CONFIG_NAME
}
