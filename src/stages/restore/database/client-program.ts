import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import path from 'node:path'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { findDumpProgram } from '../../dump/find-program.ts'

/** MariaDB calls its own `mysql` too, and where both names are there they are one program. */
const PROGRAMS = ['mysql', 'mariadb'] as const

/**
 * The path of the program that loads a dump: `mysql` or `mariadb` beside the dump program, which came with it, else from
 * PATH. `dumpCommand` is `database.dumpCommand`. Rejects with E_DUMP.
 */
export async function findClientProgram(dumpCommand: string | null): Promise<string> {
  for (const command of new Set([dumpCommand, null])) {
    const dump = await orNull(findDumpProgram(command))
    const file = dump === null ? null : await besideOf(dump)
    if (file !== null) return file
  }
  for (const name of PROGRAMS) {
    const file = await orNull(findDumpProgram(name))
    if (file !== null) return file
  }
  throw new BackupError('E_DUMP', 'No client program was found to load the dump: neither mysql nor mariadb.', {
    advice:
      'Install the client programs of MySQL or MariaDB, or set database.dumpCommand to the full path of the mysqldump or mariadb-dump that they came with.',
  })
}

async function besideOf(dump: string): Promise<string | null> {
  const extension = process.platform === 'win32' ? path.extname(dump) : ''
  const ordered = /mariadb/i.test(path.basename(dump)) ? [...PROGRAMS].reverse() : PROGRAMS
  for (const name of ordered) {
    const file = path.join(path.dirname(dump), `${name}${extension}`)
    try {
      await access(file, process.platform === 'win32' ? constants.F_OK : constants.X_OK)
      return file
    } catch {
      // look on
    }
  }
  return null
}

async function orNull(search: Promise<string>): Promise<string | null> {
  try {
    return await search
  } catch {
    return null
  }
}
