/** A database that tells of itself which of its states a dump shows, and whether that is one state throughout. */
import assert from 'node:assert/strict'
import type { MariaDb } from './mariadb.ts'
import type { Settings } from './rig.ts'
import { createViewerDatabase } from './viewer-database.ts'

export interface VersionedDatabase {
  readonly name: string
  /** The section of the configuration. */
  readonly section: Settings
  /** How often it was changed. */
  readonly version: number
  /** Adds a patient, in one transaction. */
  change(): Promise<void>
  /** Throws unless the dump is whole and shows one state, no older than version `from`. */
  readonly check: (dump: Buffer, from: number) => void
}

/** Tables are dumped in the order of their names: these two enclose all others. */
const FIRST = 'aaa_version'
const LAST = 'zzz_version'

/** The dump is about 4 KB a patient. */
export async function createVersionedDatabase(server: MariaDb, patients: number): Promise<VersionedDatabase> {
  const viewer = await createViewerDatabase(server, { patients })
  const { name } = viewer
  for (const table of [FIRST, LAST]) {
    await server.query(
      `CREATE TABLE ${table} (version INT NOT NULL) ENGINE=InnoDB; INSERT INTO ${table} VALUES (0)`,
      name,
    )
  }
  let version = 0
  return {
    name,
    section: { socket: server.socket, user: server.user, password: server.password, name },
    get version() {
      return version
    },
    async change() {
      version += 1
      await server.query(
        `START TRANSACTION;
         UPDATE ${FIRST} SET version = ${version};
         INSERT INTO patients (patient_id, patient_name) VALUES ('${addedId(version)}', 'Added^Later');
         UPDATE ${LAST} SET version = ${version};
         COMMIT`,
        name,
      )
    },
    check(dump, from) {
      const text = dump.toString('latin1')
      assert.match(text.slice(-200), /\n-- Dump completed[^\n]*\n$/, 'the dump has its end')
      const shown = versionIn(text, FIRST)
      assert.equal(versionIn(text, LAST), shown, 'the dump shows one state')
      assert.ok(shown >= from && shown <= version, `the dump shows version ${shown} of ${from} to ${version}`)
      const quoted = new Set(text.match(/'[A-Z]+-\d+'/g))
      for (const id of viewer.patientIds) assert.ok(quoted.has(`'${id}'`), `the dump has ${id}`)
      for (let n = 1; n <= version; n += 1) assert.equal(quoted.has(`'${addedId(n)}'`), n <= shown, addedId(n))
    },
  }
}

const addedId = (version: number): string => `ADDED-${String(version).padStart(6, '0')}`

function versionIn(dump: string, table: string): number {
  const found = new RegExp(`INSERT INTO \`${table}\` VALUES\\s*\\((\\d+)\\);`).exec(dump)
  assert.ok(found !== null, `the dump has the row of ${table}`)
  return Number(found[1])
}
