/** A database like a DICOM viewer's, with everything in it that a dump can get wrong. */
import type { MariaDb } from './mariadb.ts'

export interface ViewerDatabase {
  readonly name: string
  /** Patients' names and ids that are in it: what must be found in a dump, and nowhere else. */
  readonly patientNames: readonly string[]
  readonly patientIds: readonly string[]
  /** Base tables. */
  readonly tables: readonly string[]
}

export interface ViewerOptions {
  readonly name?: string
  /** Each has 2 studies of 2 series of 5 instances; the dump is about 4 KB a patient. */
  readonly patients?: number
}

const TABLES = [
  'attachments',
  'audit_log',
  'backup_accounts',
  'backup_history',
  'backup_schedule_config',
  'instances',
  'patients',
  'series',
  'studies',
]

/** The tables that its admin pages keep the backups in. */
export const VIEWER_TABLES = `
CREATE TABLE backup_schedule_config (
  id INT AUTO_INCREMENT PRIMARY KEY,
  schedule_enabled TINYINT(1) NOT NULL DEFAULT 0,
  interval_hours INT NOT NULL DEFAULT 6,
  next_backup_time DATETIME NULL,
  last_run_time DATETIME NULL
);
CREATE TABLE backup_accounts (
  id INT AUTO_INCREMENT PRIMARY KEY,
  account_name VARCHAR(255) NOT NULL,
  backup_provider VARCHAR(32) NOT NULL DEFAULT 'google_drive',
  credentials_json LONGTEXT NULL,
  dropbox_access_token TEXT NULL,
  service_account_email VARCHAR(255) NULL,
  folder_name VARCHAR(255) NOT NULL DEFAULT 'DICOM_Backups',
  is_active TINYINT(1) NOT NULL DEFAULT 1,
  last_backup_date DATETIME NULL,
  last_backup_status TEXT NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE backup_history (
  id INT AUTO_INCREMENT PRIMARY KEY,
  backup_filename VARCHAR(255) NOT NULL,
  gdrive_file_id VARCHAR(255) NULL,
  backup_size_bytes BIGINT NULL,
  backup_date DATETIME NOT NULL,
  backup_type VARCHAR(32) NOT NULL DEFAULT 'manual',
  status VARCHAR(32) NOT NULL,
  error_message TEXT NULL
);
`

const SCHEMA = `
CREATE TABLE patients (
  id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id VARCHAR(64) NOT NULL UNIQUE,
  patient_name VARCHAR(255) NOT NULL COMMENT 'PN, component groups split by =',
  family_name VARCHAR(255) GENERATED ALWAYS AS (SUBSTRING_INDEX(patient_name, '^', 1)) STORED,
  name_length INT AS (CHAR_LENGTH(patient_name)) VIRTUAL,
  birth_date DATE NULL,
  sex ENUM('M', 'F', 'O') NULL,
  remarks LONGTEXT NULL,
  KEY by_family (family_name)
) ENGINE=InnoDB COMMENT='Patients — 患者';
CREATE TABLE studies (
  id INT AUTO_INCREMENT PRIMARY KEY,
  patient INT NOT NULL,
  study_uid VARCHAR(64) NOT NULL UNIQUE,
  description VARCHAR(255) NULL,
  taken_at DATETIME(6) NULL,
  dose DECIMAL(12, 6) NULL,
  flags SET('urgent', 'read', 'signed') NOT NULL DEFAULT '',
  viewer_state JSON NULL,
  CONSTRAINT study_of FOREIGN KEY (patient) REFERENCES patients (id) ON DELETE CASCADE
) ENGINE=InnoDB;
CREATE TABLE series (
  id INT AUTO_INCREMENT PRIMARY KEY,
  study INT NOT NULL,
  series_uid VARCHAR(64) NOT NULL UNIQUE,
  modality CHAR(2) NULL,
  instance_count INT NOT NULL DEFAULT 0,
  CONSTRAINT series_of FOREIGN KEY (study) REFERENCES studies (id) ON DELETE CASCADE
) ENGINE=InnoDB;
CREATE TABLE instances (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  series INT NOT NULL,
  sop_uid VARCHAR(64) NOT NULL UNIQUE,
  file_path VARCHAR(500) NOT NULL,
  thumbnail VARBINARY(512) NULL,
  is_key BIT(1) NOT NULL DEFAULT b'0',
  CONSTRAINT instance_of FOREIGN KEY (series) REFERENCES series (id) ON DELETE CASCADE
) ENGINE=InnoDB;
CREATE TABLE attachments (
  id INT AUTO_INCREMENT PRIMARY KEY,
  label VARCHAR(64) CHARACTER SET latin1 NOT NULL,
  content LONGBLOB NULL
) ENGINE=InnoDB;
CREATE TABLE audit_log (
  id INT AUTO_INCREMENT PRIMARY KEY,
  at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  what TEXT NOT NULL
) ENGINE=InnoDB;
${VIEWER_TABLES}CREATE VIEW worklist AS
  SELECT p.patient_name, s.study_uid, s.taken_at FROM patients p JOIN studies s ON s.patient = p.id;
CREATE VIEW urgent_worklist AS SELECT w.* FROM worklist w JOIN studies s USING (study_uid) WHERE FIND_IN_SET('urgent', s.flags);
CREATE FUNCTION family_of(name VARCHAR(255)) RETURNS VARCHAR(255) DETERMINISTIC
  RETURN SUBSTRING_INDEX(name, '^', 1);
CREATE PROCEDURE forget_patient(IN wanted VARCHAR(64))
BEGIN
  -- Ümlaut and 日本語 in a body; the quotes '"\` too
  DELETE FROM patients WHERE patient_id = wanted;
  INSERT INTO audit_log (what) VALUES (CONCAT('forgot; ', ROW_COUNT(), ' row'));
END;
CREATE EVENT tidy_audit_log ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' COMMENT 'keeps a year'
  DO DELETE FROM audit_log WHERE at < NOW() - INTERVAL 1 YEAR;
`

/** Made after the rows, as nothing but new rows shall fire them. */
const TRIGGERS = `
CREATE TRIGGER count_instances AFTER INSERT ON instances FOR EACH ROW
  UPDATE series SET instance_count = instance_count + 1 WHERE id = NEW.series;
CREATE TRIGGER log_new_patient AFTER INSERT ON patients FOR EACH ROW
BEGIN
  INSERT INTO audit_log (what) VALUES (CONCAT('new: ', NEW.id));
END;
`

const NAMES = [
  'Müller^Jürgen',
  '山田^太郎=やまだ^たろう',
  "O'Brien^Zoë",
  'Ünal^Ayşe 🩻',
  'Nguyễn^Văn An',
  'Ślązak^Łucja',
  'אבג^דה',
  'Back\\slash^"Quote"',
]
const REMARKS = [
  null,
  '',
  "two\nlines\r\nand a tab\t, a NUL \0, a Ctrl-Z \x1a, a quote ' and a backslash \\",
  '\n-- Table structure for table `forged`\n-- Dump completed\n',
  '🩻 röntgen 放射線 "x" `y` %_',
]

const text = (value: string | null): string =>
  value === null ? 'NULL' : `CONVERT(0x${hex(Buffer.from(value)) || '20'} USING utf8mb4)`
const hex = (bytes: Buffer): string => bytes.toString('hex')

/** Creates the database on `server` and fills it. The same options give the same rows. */
export async function createViewerDatabase(server: MariaDb, options: ViewerOptions = {}): Promise<ViewerDatabase> {
  const { name = 'dicom_viewer', patients = 20 } = options
  await server.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`)
  await server.query(SCHEMA, name)

  const patientNames: string[] = []
  const patientIds: string[] = []
  const rows: Record<'patients' | 'studies' | 'series' | 'instances', string[]> = {
    patients: [],
    studies: [],
    series: [],
    instances: [],
  }
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  for (let p = 1; p <= patients; p++) {
    const patientName = p <= NAMES.length ? NAMES[p - 1]! : `Testperson^Nummer ${p}`
    const patientId = `PID-${String(p).padStart(6, '0')}`
    patientNames.push(patientName)
    patientIds.push(patientId)
    const birth = p % 3 === 0 ? 'NULL' : `'19${10 + (p % 90)}-02-28'`
    rows.patients.push(
      `(${p}, '${patientId}', ${text(patientName)}, ${birth}, 'F', ${text(REMARKS[p % REMARKS.length]!)})`,
    )
    for (let s = 2 * p - 1; s <= 2 * p; s++) {
      const state = JSON.stringify({ window: [40, 400], note: 'größer ≥ 1' })
      rows.studies.push(
        `(${s}, ${p}, '1.2.826.${s}', 'CT Schädel', '2024-03-31 02:30:00.${String(s).padStart(6, '0')}', ${s}.000001, 'urgent,read', ${text(state)})`,
      )
      for (let e = 2 * s - 1; e <= 2 * s; e++) {
        rows.series.push(`(${e}, ${s}, '1.2.826.${s}.${e}', 'CT', 5)`)
        for (let i = 5 * e - 4; i <= 5 * e; i++) {
          const thumbnail = i % 40 === 0 ? `0x${hex(everyByte)}` : i % 7 === 0 ? 'NULL' : "''"
          rows.instances.push(
            `(${i}, ${e}, '1.2.826.${s}.${e}.${i}', 'dicom_files/${s}/${e}/${i}.dcm', ${thumbnail}, b'${i % 2}')`,
          )
        }
      }
    }
  }
  const columns = {
    patients: 'id, patient_id, patient_name, birth_date, sex, remarks',
    studies: 'id, patient, study_uid, description, taken_at, dose, flags, viewer_state',
    series: 'id, study, series_uid, modality, instance_count',
    instances: 'id, series, sop_uid, file_path, thumbnail, is_key',
  }
  for (const table of ['patients', 'studies', 'series', 'instances'] as const) {
    for (let start = 0; start < rows[table].length; start += 2000) {
      const values = rows[table].slice(start, start + 2000).join(',\n')
      await server.query(`INSERT INTO ${table} (${columns[table]}) VALUES ${values}`, name)
    }
  }
  const pixels = Buffer.concat(
    Array.from({ length: 1024 }, (_, n) => Buffer.from([...everyByte.subarray(n % 256), n % 256])),
  )
  await server.query(
    `INSERT INTO attachments (label, content) VALUES ('every byte', 0x${hex(everyByte)}), ('none', NULL), ('empty', ''), ('Größe', 0x${hex(pixels)});
     INSERT INTO backup_schedule_config (schedule_enabled, interval_hours) VALUES (1, 6);
     INSERT INTO backup_accounts (account_name, backup_provider) VALUES ('Klinik Süd', 'dropbox');
     INSERT INTO backup_history (backup_filename, backup_date, status) VALUES ('dicom_backup_2024-03-31_02-30-00.zip', '2024-03-31 02:30:00', 'completed');
     INSERT INTO audit_log (what) VALUES ('installed');
     ${TRIGGERS}`,
    name,
  )
  return { name, patientNames, patientIds, tables: TABLES }
}
