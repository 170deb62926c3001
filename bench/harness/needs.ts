import { aptGet } from '../../test/support/apt.ts'
import { findProgram } from '../../test/support/find-program.ts'
import type { Case } from './types.ts'

/** Debian's packages of the programs that contenders need; of others, the package has the program's name. */
const PACKAGES: Readonly<Record<string, string>> = {
  bsdtar: 'libarchive-tools',
  '7z': 'p7zip-full',
  find: 'findutils',
  ...Object.fromEntries(['md5sum', 'sha256sum', 'mkfifo', 'sync', 'tee', 'wc'].map((name) => [name, 'coreutils'])),
}

/** Programs that contenders of these cases need and this machine does not have. */
export function missingPrograms(cases: readonly Case[], only: readonly string[]): string[] {
  const contenders = cases
    .flatMap(({ own, peers }) => [...own, ...peers])
    .filter(({ name }) => only.length === 0 || only.includes(name))
  const needed = new Set(contenders.flatMap(({ needs = [] }) => needs))
  return [...needed].filter((name) => findProgram(name) === null).sort()
}

export const packagesOf = (programs: readonly string[]): string[] => [
  ...new Set(programs.map((name) => PACKAGES[name] ?? name)),
]

/** Installs what is missing, as root on a system with apt. Gives what is missing still. */
export function installMissing(cases: readonly Case[], only: readonly string[], say: (text: string) => void): string[] {
  const missing = missingPrograms(cases, only)
  if (missing.length === 0 || process.getuid?.() !== 0 || findProgram('apt-get') === null) return missing
  const packages = packagesOf(missing)
  say(`Installing what the peers need: ${packages.join(', ')}`)
  if (aptGet('update')) aptGet('install', '--no-install-recommends', ...packages)
  return missingPrograms(cases, only)
}
