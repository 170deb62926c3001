/** The data folder of a server that nobody has used: made once, for each version of the server, and copied from then on. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../../src/pipeline/contract/errors.ts'
import { needProgram } from './needed-programs.ts'

/** What the making of a data folder and the server that opens it must agree on. */
export const SERVER_OPTIONS: readonly string[] = [
  '--no-defaults',
  '--skip-name-resolve',
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=16M',
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
]
const INSTALL_OPTIONS = [...SERVER_OPTIONS, '--auth-root-authentication-method=normal', '--skip-test-db']

/** Not in the system's temporary folder, from which old files vanish one by one. */
const CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache/tests')

/** Gives its path. Several processes may ask at once, and one may be killed while it makes it. */
export async function mariaDbTemplate(): Promise<string> {
  const folder = path.join(CACHE, `mariadb-${versionKey()}`)
  if (existsSync(folder)) return folder
  await mkdir(CACHE, { recursive: true })
  const begun = await mkdtemp(path.join(CACHE, 'begun-'))
  const data = path.join(begun, 'data')
  try {
    await promisify(execFile)(needProgram('mariadb-install-db'), [
      ...INSTALL_OPTIONS,
      `--datadir=${data}`,
      `--tmpdir=${begun}`,
    ])
    // Whole or not at all; of two that are made at once the first is taken.
    await rename(data, folder)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(error))) throw error
  } finally {
    await rm(begun, { recursive: true, force: true })
  }
  return folder
}

/** Changes with the server's programs and with how they are called. */
function versionKey(): string {
  const hash = createHash('sha256').update(INSTALL_OPTIONS.join('\0'))
  for (const name of ['mariadbd', 'mariadb-install-db']) {
    const file = needProgram(name)
    const { size, mtimeMs } = statSync(file)
    hash.update(`\0${file}\0${size}\0${mtimeMs}`)
  }
  return hash.digest('hex').slice(0, 16)
}
