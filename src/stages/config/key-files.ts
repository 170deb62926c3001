import path from 'node:path'
import type { Fault, Path } from './config-error.ts'
import { configSchemas } from './schema.ts'
import { valueAt } from './source.ts'
import type { Source } from './source.ts'
import { readTextFile } from './text-file.ts'

/** The files of database.tls, and whether each holds a secret. */
const TLS_FILES = [
  ['ca', false],
  ['cert', false],
  ['key', true],
] as const

/** What the files say that the configuration names for its secrets. */
export interface KeyFiles {
  /** Null when there is no passwordFile, or it cannot be used. */
  readonly password: string | null
  readonly secrets: readonly string[]
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/**
 * Reads database.passwordFile and the files that destinations' schemas declare to hold a secret, and looks at the files of
 * database.tls, relative to the folder `base`.
 */
export function readKeyFiles(source: Source, base: string): KeyFiles {
  const secrets: string[] = []
  const faults: Fault[] = []
  const warnings: Fault[] = []

  const read = (keyPath: Path, isSecret = true): string | null => {
    const written = valueAt(source.value, keyPath)
    if (typeof written !== 'string' || written === '') return null
    const file = path.resolve(base, written)
    const content = readTextFile(file)
    if ('problem' in content) {
      faults.push(source.fault(keyPath, `${file} ${content.problem}; expected a file that this account can read`))
      return null
    }
    if (content.worldReadable && isSecret) warnings.push(source.fault(keyPath, worldReadable(file)))
    return content.text
  }

  const passwordPath = ['database', 'passwordFile']
  const password = read(passwordPath)?.replace(/\r?\n$/, '') ?? null
  if (password !== null) {
    if (/^\P{Cc}+$/u.test(password)) secrets.push(password)
    else
      faults.push(
        source.fault(passwordPath, 'the file is empty or has several lines; expected the password and nothing else'),
      )
  }

  for (const [name, isSecret] of TLS_FILES) {
    const keyPath = ['database', 'tls', name]
    const text = read(keyPath, isSecret)
    if (text === null || /-----BEGIN [A-Z0-9 ]+-----/.test(text)) continue
    faults.push(source.fault(keyPath, 'the file holds no "-----BEGIN …"; expected a PEM file'))
  }

  const destinations = valueAt(source.value, ['destinations'])
  for (const index of Array.isArray(destinations) ? destinations.keys() : []) {
    for (const [key, secretIn] of configSchemas().declared.files) {
      const keyPath = ['destinations', index, key]
      const text = read(keyPath)
      if (text === null) continue
      const found = secretIn(text)
      if (typeof found === 'string') secrets.push(found)
      else faults.push(source.fault(keyPath, found.problem))
    }
  }
  return { password, secrets, faults, warnings }
}

export function worldReadable(file: string): string {
  return `${file} contains a secret and every account of this machine can read it; fix: chmod o-r`
}
