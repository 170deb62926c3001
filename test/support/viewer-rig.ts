/** A rig whose state is in a viewer's tables: two accounts of the viewer's, and a folder in the configuration. */
import type { TestContext } from 'node:test'
import type { MariaDb, Row } from './mariadb.ts'
import { makeRig, SECRETS, type Rig, type Settings } from './rig.ts'
import { VIEWER_TABLES } from './viewer-database.ts'

export interface ViewerRig {
  readonly rig: Rig
  /** Of the database. */
  readonly name: string
  /** What its configuration has in place of the usual sections. */
  readonly sections: Settings
  readonly query: (sql: string) => Promise<Row[]>
  /** What the viewer's pages show, by their own queries. */
  readonly pages: () => Promise<{
    readonly backedUp: number
    /** Name, last date and status of each. */
    readonly accounts: readonly (readonly [unknown, unknown, unknown])[]
    readonly schedule: Row | undefined
    /** Archive, type, status and whether there is an id, a size and an error. */
    readonly history: readonly (readonly unknown[])[]
  }>
}

const CREDENTIALS = JSON.stringify({
  installed: { client_id: 'client-id', client_secret: SECRETS.clientSecret, redirect_uris: ['http://localhost'] },
  refresh_token: SECRETS.refreshToken,
})

let made = 0

export async function makeViewerRig(t: TestContext, server: MariaDb, where: Settings = {}): Promise<ViewerRig> {
  made += 1
  const name = `viewer_${made}`
  await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const query = (sql: string): Promise<Row[]> => server.query(sql, name)
  await query(`${VIEWER_TABLES}
    CREATE TABLE patients (id INT PRIMARY KEY, name TEXT); INSERT INTO patients VALUES (1, 'Zzyzx^Quentin');
    INSERT INTO backup_schedule_config (schedule_enabled, interval_hours) VALUES (1, 6);
    INSERT INTO backup_accounts (account_name, backup_provider, dropbox_access_token) VALUES ('Klinik Süd', 'dropbox', '${SECRETS.dropboxToken}');
    INSERT INTO backup_accounts (account_name, credentials_json) VALUES ('Drive', '${CREDENTIALS}')`)
  const sections: Settings = {
    database: { socket: server.socket, user: server.user, password: server.password, name, ...where },
    state: { driver: 'mysql' },
    destinations: [{ name: 'nas', type: 'local', folder: 'nas' }],
  }
  const rig = await makeRig(t, sections)
  await rig.put('a.dcm', 'x')
  return {
    rig,
    name,
    sections,
    query,
    async pages() {
      const [count] = await query("SELECT COUNT(*) AS n FROM backup_history WHERE status = 'completed'")
      const accounts = await query('SELECT * FROM backup_accounts ORDER BY id')
      const [schedule] = await query('SELECT * FROM backup_schedule_config LIMIT 1')
      const history = await query('SELECT * FROM backup_history ORDER BY id')
      return {
        backedUp: Number(count?.['n']),
        accounts: accounts.map(
          (row) => [row['account_name'], row['last_backup_date'], row['last_backup_status']] as const,
        ),
        schedule,
        history: history.map((row) => [
          row['backup_filename'],
          row['backup_type'],
          row['status'],
          row['gdrive_file_id'] !== null,
          row['backup_size_bytes'] !== null,
          row['error_message'] !== null,
        ]),
      }
    },
  }
}
