import type { VerifyCheck } from '../../contract/results.ts'
import type { CopyCheck, VerificationRecord } from '../../contract/history.ts'
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
  const checks = await lastChecks(session)
  return checks.filter((one) => one.destination === destination && !one.ok).map(({ archive }) => archive)
}

/** Of each copy; several checks of one verification count as one, which is good when all are. */
export async function lastChecks(session: Session): Promise<CopyCheck[]> {
  const rows = await session.rows('SELECT archive, verified_at, checks FROM dicom_backup_verifications ORDER BY id')
  const last = new Map<string, CopyCheck>()
  for (const row of rows) {
    const [archive, at] = [String(row['archive']), String(row['verified_at'])]
    const made = (JSON.parse(String(row['checks'])) as StoredCheck[]).filter(({ checked }) => checked)
    for (const destination of new Set(made.map((one) => one.destination))) {
      const ok = made.every((one) => one.destination !== destination || one.ok)
      last.set(`${archive}\n${destination}`, { archive, destination, at, ok })
    }
  }
  return [...last.values()]
}
