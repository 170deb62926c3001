import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { plainFolder } from '../windows/plain-folder.ts'

export interface OptionFile {
  readonly path: string
  /** Removes the file; more than once is harmless. Never rejects. */
  remove(): Promise<void>
}

/**
 * Writes user, password and TLS as an option file that only this user can read, below `folder`, which is private, or on
 * Windows elsewhere when the program could not open it there; for the dump program also the tables and views of the
 * database that it is to leave out: names would not pass every system's command line unchanged. Rejects with E_STATE.
 */
export async function writeOptionFile(
  folder: string,
  database: DatabaseConfig,
  leaveOut: readonly string[] = [],
): Promise<OptionFile> {
  const { user, password, name } = database
  const plain = await plainFolder(folder)
  const file = path.join(plain.path, `${randomUUID()}.cnf`)
  const ignored = leaveOut.map((one) => `ignore-table=${quoteOption(`${name}.${one}`)}\n`)
  const dump = ignored.length === 0 ? '' : `[mysqldump]\n${ignored.join('')}`
  const text = `[client]\nuser=${quoteOption(user)}\npassword=${quoteOption(password)}\n${tlsLines(database)}${dump}`
  const remove = async (): Promise<void> => {
    await rm(file, { force: true }).catch(() => undefined)
    await plain.remove()
  }
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    await remove()
    throw new BackupError('E_STATE', `The state folder ${folder} cannot be written to (${systemCode(error)}).`, {
      advice: 'Check that the folder exists, that its disk is not full and that this user may write to it.',
    })
  }
  return { path: file, remove }
}

/**
 * TLS in the words of both brands. What a program does not know it passes over, for "loose-"; MySQL's programs heed the last
 * line most, MariaDB's do not know it.
 */
function tlsLines({ tls, socket }: DatabaseConfig): string {
  if (tls === undefined) return ''
  const { ca, cert, key, required } = tls
  const files = Object.entries({ ca, cert, key }).flatMap(([option, file]) =>
    file === null ? [] : [`ssl-${option}=${quoteOption(file)}\n`],
  )
  const isNamed = ca !== null && socket === null
  const mode = isNamed ? 'VERIFY_IDENTITY' : ca !== null ? 'VERIFY_CA' : required ? 'REQUIRED' : 'PREFERRED'
  const verify = `loose-ssl-verify-server-cert=${isNamed ? 1 : 0}\n`
  return `${files.join('')}loose-ssl=1\n${verify}loose-ssl-mode=${mode}\n`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
}

/**
 * A value as option files take it (MySQL manual, "Using Option Files"): within quotes `#` and spaces are themselves.
 */
function quoteOption(value: string): string {
  return `"${value.replace(/[\\"\n\r\t\u0008]/g, (character) => ESCAPES[character] ?? character)}"`
}
