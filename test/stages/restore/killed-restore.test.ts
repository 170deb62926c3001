import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestoredFiles } from '../../../src/stages/restore/files/restore-files.ts'
import { seeded } from '../../support/seed.ts'
import { make, place } from '../zip/archive-maker.ts'
import { filesBelow } from './restoring.ts'

const CHILD = path.join(import.meta.dirname, 'restoring-child.ts')
const KILLS = Number(process.env['RESTORE_KILLS'] ?? 10)
const FILES = Math.max(300, 12 * KILLS)
/** So many are left at every kill: names come a hundred milliseconds' worth of files at a time. */
const LAST_NAMES = 60
/** So many more may be done before the kill comes, however late it is. */
const AFTER_KILL = 30

/** Restores in a process of its own, which is killed when so many files are done; null: it is not. */
async function restoreInChild(archive: string, to: string, kill: { files: number; ms: number } | null) {
  const stopsAt = kill === null ? [] : [String(kill.files + AFTER_KILL)]
  const child = spawn(process.execPath, [CHILD, archive, to, ...stopsAt], { stdio: ['ignore', 'pipe', 'inherit'] })
  let last = ''
  let isKilled = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    last = text.trim().split('\n').at(-1) ?? last
    if (kill === null || isKilled || Number(last) < kill.files) return
    isKilled = true
    void sleep(kill.ms).then(() => child.kill('SIGKILL'))
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, last }
}

test(`a restore that is killed ${KILLS} times has only right files under final names each time, and ends right`, async (t) => {
  const random = seeded('killed-restore', process.env['KILL_SEED'] ?? String(Date.now()))
  const at = await place(t)
  for (let n = 0; n < FILES; n += 1) {
    await at.put(`p${n % 7}/${n}.dcm`, random.bytes(random.between(100, 60_000)), new Date(1_600_000_000_000 + n))
  }
  await at.put('large.bin', random.bytes(9 << 20), new Date(1_500_000_000_001))
  await make(at, { dump: Buffer.from('-- dump\n'.repeat(1_000_000)) })
  const to = path.join(at.folder, 'restored')
  const original = await filesBelow(at.root)
  let killed = 0
  for (let n = 0; n < KILLS; n += 1) {
    // Of what is done already a later call has told soon: a share of all files, growing, and some of it by chance.
    const files = Math.floor(((n + random.next()) * (FILES - LAST_NAMES)) / KILLS)
    const { signal } = await restoreInChild(at.archive, to, { files, ms: random.below(20) })
    assert.equal(signal, 'SIGKILL')
    killed += 1
    const there = await filesBelow(to).catch(() => new Map<string, unknown>())
    for (const [name, found] of there) {
      if (name.includes('.dicom-backup-')) continue
      if (name.startsWith('dicom_files/')) assert.deepEqual(found, original.get(name.slice(12)), name)
      else assert.ok(['database/viewer.sql', 'backup-manifest.ndjson'].includes(name), name)
    }
  }
  assert.equal(killed, KILLS)
  const { code, last } = await restoreInChild(at.archive, to, null)
  assert.equal(code, 0)
  const result = JSON.parse(last) as RestoredFiles
  assert.equal(result.files + result.skipped, FILES + 3)
  assert.ok(result.skipped > 50, `${result.skipped}`)
  const all = await filesBelow(to)
  assert.deepEqual(
    new Map([...all].filter(([name]) => name.startsWith('dicom_files/')).map(([name, file]) => [name.slice(12), file])),
    original,
  )
  assert.deepEqual(
    [...all.keys()].filter((name) => !name.startsWith('dicom_files/')),
    ['backup-manifest.ndjson', 'database/viewer.sql'],
  )
})
