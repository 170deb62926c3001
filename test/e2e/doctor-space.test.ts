/** `doctor` knows how large the last archive was, and says where another one like it may not fit. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import type { DoctorCheck, DoctorResult } from '../../src/stages/contract/results.ts'
import { makeRig, type Rig } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'

async function ofDestinations(rig: Rig): Promise<{ readonly code: number | null; readonly checks: DoctorCheck[] }> {
  const { code, stdout } = await rig.cli('doctor', '--json')
  const { checks } = JSON.parse(stdout) as DoctorResult
  return { code, checks: checks.filter(({ name }) => name.startsWith('destination ')) }
}

test('a destination with less space than the last archive took is a warning with both sizes', async (t) => {
  const rig = await makeRig(t, { archive: { compression: 'store' } })
  await rig.put('a.bin', Buffer.alloc(3_000_000, 1))
  rig.dropbox.quotaBytes = 4_000_000
  rig.drive.quotaBytes = 40_000_000
  const before = await ofDestinations(rig)
  assert.deepEqual(
    [before.code, before.checks.map(({ level }) => level)],
    [0, ['ok', 'ok', 'ok']],
    'nothing is known of an archive yet',
  )
  let mounted = false
  try {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', rig.nas], { stdio: 'ignore' })
      mounted = true
    } catch {
      t.diagnostic('no disk can be mounted here: only the accounts are tried')
    }
    const { result } = await runHere(rig)
    assert.equal(result.status, 'completed', JSON.stringify(result))
    const { name } = result.archive!
    const { code, checks } = await ofDestinations(rig)
    assert.equal(code, 0)
    assert.deepEqual(
      checks.map(({ ok, level }) => [ok, level]),
      [[true, 'warning'], [true, 'ok'], mounted ? [true, 'warning'] : [true, 'ok']],
    )
    const [dropbox, , nas] = checks
    assert.match(dropbox!.detail, new RegExp(`, 976 KiB free; the last archive, ${name}, has 2.86 MiB$`))
    assert.match(dropbox!.remedy, /^Free space in the Dropbox account \S+, else the next backup may not fit\.$/)
    if (mounted) {
      assert.match(nas!.detail, new RegExp(`nas, writable, 2.1\\d MiB free; the last archive, ${name}, has 2.86 MiB$`))
      assert.match(nas!.remedy, /^Free space on the disk of \S+\/nas, else the next backup may not fit\.$/)
    }
    const people = await rig.cli('doctor')
    assert.match(people.stdout, /\[ !\] destination hospital-dropbox\s/)
    rig.dropbox.quotaBytes = 40_000_000
    assert.equal((await ofDestinations(rig)).checks[0]?.level, 'ok', 'once there is room')
  } finally {
    if (mounted) execFileSync('umount', ['-l', rig.nas])
  }
})
