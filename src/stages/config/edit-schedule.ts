/** Changes `schedule` in a configuration file, and not a character around it. */
import { chownSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { isMap, isScalar, parseDocument } from 'yaml'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import { renameOverSync } from '../../pipeline/files/rename.ts'
import { loadConfig } from './load.ts'
import { readTextFile } from './text-file.ts'
import type { Config } from './types.ts'

const UNKNOWN_FORM = 'its schedule is written in a way that this program does not change'

type Change = Partial<Pick<Config['schedule'], 'enabled' | 'every'>>

/**
 * Writes the change into the file: what cannot be combined with it, comments and `${NAME}` among it, stays as it is. The file is
 * replaced at once or not at all. Rejects with E_CONFIG when it cannot be changed, saying what to write by hand.
 */
export function editSchedule(file: string, change: Change, env: NodeJS.ProcessEnv = process.env): void {
  const content = readTextFile(file)
  if ('problem' in content) throw cannot(file, change, `it ${content.problem}`)
  let text = content.text
  for (const [key, value] of Object.entries(change)) text = withSetting(text, key, String(value), file, change)
  if (text !== content.text) replaceFile(realpathSync(file), text, change, env)
}

function withSetting(text: string, key: string, value: string, file: string, change: Change): string {
  const line = /\r\n/.test(text) ? '\r\n' : '\n'
  // In { … } YAML would take the braces of ${NAME} for its own; offsets stay as they are.
  const masked = text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, '$\uFDD0$1\uFDD1')
  const root = parseDocument(masked, { uniqueKeys: false, logLevel: 'error' }).contents
  if (!isMap(root) || root.flow === true) throw cannot(file, change, 'it is not made of "key: value" lines')
  const pair = root.items.find((item) => isScalar(item.key) && item.key.value === 'schedule')
  if (pair === undefined) {
    const end = text === '' || text.endsWith('\n') ? '' : line
    return `${text}${end}schedule:${line}  ${key}: ${value}${line}`
  }
  const section = pair.value
  if (isMap(section)) {
    const setting = section.items.find((item) => isScalar(item.key) && item.key.value === key)
    const old = setting?.value ?? null
    if (isScalar(old)) {
      if (/\uFDD0/.test(String(old.value))) {
        const written = text.slice(old.range[0], old.range[1])
        throw cannot(file, change, `schedule.${key} takes its value from the environment (${written})`)
      }
      return text.slice(0, old.range[0]) + value + text.slice(old.range[1])
    }
    const [first] = section.items
    if (setting === undefined && first !== undefined) {
      const at = first.key.range[0]
      if (section.flow === true) return `${text.slice(0, at)}${key}: ${value}, ${text.slice(at)}`
      const indent = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
      return `${text.slice(0, at)}${key}: ${value}${line}${indent}${text.slice(at)}`
    }
    if (setting === undefined)
      return `${text.slice(0, section.range[0])}{ ${key}: ${value} }${text.slice(section.range[1])}`
  }
  const colon = text.indexOf(':', pair.key.range[1]) + 1
  if (isScalar(section) && section.value === null) {
    const rest = text.indexOf('\n', colon)
    const at = rest === -1 ? text.length : rest + 1
    const begin = rest === -1 ? line : ''
    return `${text.slice(0, at)}${begin}  ${key}: ${value}${line}${text.slice(at)}`
  }
  throw cannot(file, change, UNKNOWN_FORM)
}

/** By way of a second file, which is loaded before it takes the first one's place. */
function replaceFile(file: string, text: string, change: Change, env: NodeJS.ProcessEnv): void {
  const before = readFileSync(file)
  const utf16 = before[0] === 0xff && before[1] === 0xfe
  const mark = before[0] === 0xef && before[1] === 0xbb && before[2] === 0xbf
  const bytes = utf16 ? Buffer.from(`\uFEFF${text}`, 'utf16le') : Buffer.from(`${mark ? '\uFEFF' : ''}${text}`)
  const fresh = `${file}.new-${process.pid}`
  try {
    const { mode, uid, gid } = statSync(file)
    writeFileSync(fresh, bytes, { mode: mode & 0o777, flush: true })
    // Else, changed by an administrator, it could not be read any more by the account that makes the backups.
    if (process.getuid?.() === 0) chownSync(fresh, uid, gid)
    if (!says(fresh, change, env)) throw cannot(file, change, UNKNOWN_FORM)
    renameOverSync(fresh, file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error instanceof BackupError ? error : cannot(file, change, `it may not be written (${systemCode(error)})`)
  }
}

function says(file: string, change: Change, env: NodeJS.ProcessEnv): boolean {
  try {
    const { enabled, every } = loadConfig(file, env).schedule
    return (change.enabled ?? enabled) === enabled && (change.every ?? every) === every
  } catch {
    return false
  }
}

function cannot(file: string, change: Change, why: string): BackupError {
  const wanted = Object.entries(change).map(([key, value]) => `${key}: ${String(value)}`)
  return new BackupError('E_CONFIG', `The schedule in ${file} was not changed: ${why}.`, {
    advice: `Write it there by hand: schedule: { ${wanted.join(', ')} }`,
  })
}
