import type { VerifyCheck } from '../../backup/results.ts'
import type { VerificationRecord } from '../state.ts'
import type { Session } from './connection.ts'

/** Without the damaged entries' names: they may be patients', and belong into results only. */
type StoredCheck = Omit<VerifyCheck, 'damaged'>

export async function saveVerification(
  session: Session,
  { archive, at, ok, method }: VerificationRecord,
  checks: readonly VerifyCheck[],
): Promise<void> {
  const stored = checks.map(({ damaged: _names, ...check }): StoredCheck => check)
  await session.write(
    'INSERT INTO dicom_backup_verifications (archive, verified_at, ok, method, checks) VALUES (?, ?, ?, ?, ?)',
    archive,
    at,
    ok ? 1 : 0,
    method,
    JSON.stringify(stored),
  )
}

export async function lastVerification(session: Session): Promise<VerificationRecord | null> {
  const [row] = await session.rows(
    'SELECT archive, verified_at, ok, method FROM dicom_backup_verifications ORDER BY id DESC LIMIT 1',
  )
  if (row === undefined) return null
  return {
    archive: String(row['archive']),
    at: String(row['verified_at']),
    ok: Number(row['ok']) === 1,
    method: String(row['method']) as VerificationRecord['method'],
  }
}

export async function badArchives(session: Session, destination: string): Promise<string[]> {
  const rows = await session.rows('SELECT archive, checks FROM dicom_backup_verifications ORDER BY id')
  const last = new Map<string, boolean>()
  for (const { archive, checks } of rows) {
    const made = (JSON.parse(String(checks)) as StoredCheck[]).filter(
      (check) => check.destination === destination && check.checked,
    )
    if (made.length > 0)
      last.set(
        String(archive),
        made.every(({ ok }) => ok),
      )
  }
  return [...last].filter(([, ok]) => !ok).map(([archive]) => archive)
}
