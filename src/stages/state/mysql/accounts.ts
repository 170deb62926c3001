/** The rows of backup_accounts: as destinations, and what the viewer's page shows of them. */
import type { DestinationConfig, DestinationFault } from '../../config/types.ts'
import { kindOf, kinds } from '../../destinations/kinds.ts'
import { DEFAULT_FOLDER, remoteFolderOf } from '../../destinations/settings.ts'
import type { ViewerRow } from '../../destinations/viewer-accounts.ts'
import { addSecrets } from '../../text/redact.ts'
import type { Row, Session } from './connection.ts'
import { fromDatetime } from './datetime.ts'

export interface AccountRow {
  readonly id: number
  /** Of its own, whatever the rows are called. */
  readonly name: string
  /** 'unknown': no kind of destination is meant by the viewer's word. */
  readonly type: string
  readonly isActive: boolean
  readonly lastBackupAt: Date | null
  /** 'success' or an error's text; null when there is none. */
  readonly lastStatus: string | null
}

/** Longer ones are no credentials. Bytes. */
const MOST_CREDENTIALS_BYTES = 256 * 1024
const MEND = "Fix it in the viewer's admin pages, or deactivate it there."

/** Without what they sign in with, in the order of their ids. */
export async function readAccounts(session: Session): Promise<AccountRow[]> {
  const rows = await session.rows(
    `SELECT id, account_name, backup_provider, is_active + 0 AS active, last_backup_date, last_backup_status
     FROM backup_accounts ORDER BY id`,
  )
  return named(rows).map(([row, name]) => ({
    id: Number(row['id']),
    name,
    type: typeOf(textOf(row, 'backup_provider')),
    isActive: Number(row['active']) === 1,
    lastBackupAt: fromDatetime(row['last_backup_date']),
    lastStatus: textOf(row, 'last_backup_status').trim() || null,
  }))
}

/**
 * The active rows as destinations. One that cannot be used has a `fault`. What they sign in with is known to `redact` from
 * then on.
 */
export async function readDestinations(session: Session): Promise<DestinationConfig[]> {
  const accounts = (await readAccounts(session)).filter(({ isActive }) => isActive)
  const rows = await session.rows(
    `SELECT id, backup_provider, folder_name, LENGTH(credentials_json) AS credentials_bytes, dropbox_access_token,
       CASE WHEN LENGTH(credentials_json) <= ${MOST_CREDENTIALS_BYTES} THEN credentials_json END AS credentials_json
     FROM backup_accounts WHERE is_active = 1 ORDER BY id`,
  )
  return accounts.flatMap((account) => {
    const row = rows.find(({ id }) => Number(id) === account.id)
    return row === undefined ? [] : [destinationOf(account, row)]
  })
}

function destinationOf({ name, type }: AccountRow, row: Row): DestinationConfig {
  const wrong = (code: DestinationFault['code'], problem: string): { readonly fault: DestinationFault } => ({
    fault: { code, message: `${name}: the account in backup_accounts ${problem}.`, advice: MEND },
  })
  const common = { name, chunkSize: null }
  const written = textOf(row, 'folder_name').trim()
  const folder = remoteFolderOf(written === '' ? DEFAULT_FOLDER : written)
  const viewer = kindOf({ type })?.viewer ?? null
  if (viewer === null) {
    const provider = oneLine(textOf(row, 'backup_provider')).slice(0, 32)
    const problem = `has the backup_provider "${provider}"; expected ${expectedNames()}`
    return { ...common, type, folder: folder ?? DEFAULT_FOLDER, ...wrong('E_CONFIG', problem) }
  }
  const isFolder = folder !== null && (folder !== '' || viewer.rootIsFolder)
  const { config, secrets, problem } = viewer.read(viewerRow(row), common, isFolder ? folder : DEFAULT_FOLDER)
  addSecrets(secrets)
  if (problem !== null) return { ...config, ...wrong(problem.code, problem.problem) }
  return isFolder ? config : { ...config, ...wrong('E_CONFIG', 'has an invalid folder_name; expected DICOM_Backups') }
}

function viewerRow(row: Row): ViewerRow {
  const isTooLong = Number(row['credentials_bytes'] ?? 0) > MOST_CREDENTIALS_BYTES
  return {
    dropbox_access_token: textOf(row, 'dropbox_access_token'),
    credentials_json: isTooLong ? null : textOf(row, 'credentials_json'),
  }
}

function typeOf(provider: string): string {
  const word = provider.trim().toLowerCase()
  return kinds().find(({ viewer }) => viewer?.names.includes(word) === true)?.type ?? 'unknown'
}

/** 'dropbox or google_drive' */
function expectedNames(): string {
  return kinds()
    .flatMap(({ viewer }) => viewer?.names[0] ?? [])
    .join(' or ')
}

/**
 * Each row with its name, which tells it apart from the others without regard to case. All rows are named, also inactive ones,
 * so that switching one off does not rename another.
 */
function named(rows: readonly Row[]): (readonly [Row, string])[] {
  const taken = new Set<string>()
  return rows.map((row) => {
    const suffix = ` #${String(row['id'])}`
    let name = oneLine(textOf(row, 'account_name')) || `account${suffix}`
    while (taken.has(name.toLowerCase())) name += suffix
    taken.add(name.toLowerCase())
    return [row, name]
  })
}

/** Names stand in logs and tables: what would break a line or hide in one is taken out. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ').trim()
}

/** '' for NULL. */
function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}
