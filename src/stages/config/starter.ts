import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import { kinds } from '../destinations/kinds.ts'
import { makePrivate } from '../windows/private-path.ts'

/** What differs between the machines that backups are made on. */
const examples = {
  windows: {
    root: 'C:\\xampp\\htdocs\\viewer\\dicom_files',
    dump: '  dumpCommand: C:\\xampp\\mysql\\bin\\mysqldump.exe',
    protect: 'Let only the account that runs the backup read it (Properties, Security).',
    socket: '',
  },
  other: {
    root: '/var/www/viewer/dicom_files',
    dump: '#  dumpCommand: /usr/bin/mariadb-dump',
    protect: 'Let only the account that runs the backup read it (chmod 600).',
    socket: '  # A socket instead of host and port.\n#  socket: /run/mysqld/mysqld.sock\n',
  },
}

/**
 * The commented configuration that `init` writes. "# " starts an explanation; "#" right before a setting, with the
 * setting's own indentation behind it, switches an example off.
 */
export function starterConfig(platform: NodeJS.Platform = process.platform): string {
  const { root, dump, protect, socket } = platform === 'win32' ? examples.windows : examples.other
  const text = `# dicom-backup: what is backed up, where it goes, and when.
#
# "# " starts an explanation. A setting with "#" in front is an example: remove the "#" to use it.
# Indent with spaces. Write paths as here, without quotes or in 'single quotes'; relative ones start at this file's folder.
# \${NAME} is replaced by the environment variable NAME, which the scheduled job must have too.
# Check it with: dicom-backup doctor

# The viewer's MySQL or MariaDB database. Remove this section to back up files only.
database:
  host: 127.0.0.1
  port: 3306
${socket}  # A database user that may read the whole database (SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES).
  user: backup
  # A file that contains the password and nothing else. ${protect}
  passwordFile: database-password.txt
  # Or the password itself, here from the environment.
#  password: \${DB_PASSWORD}
  # The name of the database.
  name: dicom_viewer
  # The program that writes the dump. Default: mysqldump or mariadb-dump from PATH.
${dump}
  # Encrypt every connection to the database, and check the server's certificate against this authority.
#  tls:
#    ca: database-ca.pem

# The archive folder.
dicom:
  root: ${root}
  # Patterns of the files to back up and to leave out, with / on every system.
  include: ["**/*"]
  exclude: []

archive:
  # Archives are named <prefix>_YYYY-MM-DD_HH-mm-ss.zip.
  prefix: dicom_backup
  # auto decides file by file; store never compresses; fast and small always do.
  compression: auto

# Where the program keeps its record of runs: sqlite, a file in dir; or mysql, the tables of the viewer's admin pages in
# the database above. With mysql the viewer's accounts are destinations too, and its schedule counts.
state:
  driver: sqlite
  # The database dump is stored here while a backup runs.
  dir: .dicom-backup

log:
  file: logs/backup_scheduler.log
  # trace, debug, info, warn, error, fatal or silent
  level: info
  # At this size a new file is started; this many old ones are kept.
  maxSize: 10MiB
  keep: 5

# Every backup goes to all of these.
destinations:
${blocks(platform)}
# When backups are due. Install the hourly job with: dicom-backup schedule install
schedule:
  enabled: true
  # 1h, 3h, 6h, 12h or 24h, counted from midnight
  every: 6h
  # weekly: verify an earlier archive again once a week.
  verify: weekly

# How many days an archive is kept, though never fewer than the newest keepAtLeast ones.
# Remove this section to keep every archive.
retention:
  days: 30
  keepAtLeast: 3

# Only for gateways and tests: other addresses for the services.
#endpoints:
${origins()}`
  // Notepad before Windows 10 1809 shows all of it as one line otherwise.
  return platform === 'win32' ? text.replaceAll('\n', '\r\n') : text
}

/** An example of each kind of destination. Those in folders come first: they need no sign-in. */
function blocks(platform: NodeJS.Platform): string {
  const local = kinds().filter(({ traits }) => traits.isLocal)
  const others = kinds().filter(({ traits }) => !traits.isLocal)
  return [...local, ...others].map((kind) => kind.starter(platform)).join('\n')
}

function origins(): string {
  const services = kinds().filter((kind) => kind.origins.length > 0)
  return services.map(({ type }, index) => `#  ${type}: http://127.0.0.1:${9000 + index}\n`).join('')
}

/**
 * Writes the starter configuration; only its owner may read it, since secrets may come into it. Rejects with E_CONFIG
 * when there is such a file already, which stays as it is, or when it cannot be written. False when it is written, but
 * other accounts of a Windows machine may be able to read it.
 */
export async function writeStarterConfig(file: string): Promise<boolean> {
  const absolute = path.resolve(file)
  try {
    await writeFile(absolute, starterConfig(), { flag: 'wx', mode: 0o600 })
    return makePrivate(absolute, 'file')
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') {
      throw new BackupError('E_CONFIG', `${absolute} exists already; it was not changed.`, {
        advice: 'Edit it, or name another file with --config.',
        cause: error,
      })
    }
    // A half-written file would stand in the way of the next attempt. Other failures than these come before it is made.
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') await rm(absolute, { force: true })
    throw new BackupError('E_CONFIG', `${absolute} cannot be written (${code}).`, {
      advice: 'Choose a folder that exists and that this account may write to.',
      cause: error,
    })
  }
}
