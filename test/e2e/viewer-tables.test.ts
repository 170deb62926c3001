/** The state in the viewer's tables, through the real process: what the viewer's pages show, and what its rows can do. */
import assert from 'node:assert/strict'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DoctorResult, DryRunResult, StatusResult, VerifyResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { SECRETS } from '../support/rig.ts'
import { makeViewerRig, type ViewerRig } from '../support/viewer-rig.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

const LOCAL = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

const seconds = (text: unknown): number => Math.abs(Date.now() - new Date(String(text)).getTime()) / 1000

interface Failure {
  readonly error: { readonly code: string; readonly message: string }
}

test("the viewer's pages show the truth after runs that succeed, fail in part and fail whole", async (t) => {
  const { rig, query, pages } = await makeViewerRig(t, server)
  const first = await rig.run()
  assert.equal(first.code, 0, JSON.stringify(first.result))
  assert.deepEqual(
    first.result.destinations.map(({ name, type, status }) => [name, type, status]),
    [
      ['nas', 'local', 'completed'],
      ['Klinik Süd', 'dropbox', 'completed'],
      ['Drive', 'google-drive', 'completed'],
    ],
  )
  const archive = first.result.archive!.name
  let shown = await pages()
  assert.equal(shown.backedUp, 3)
  assert.deepEqual(
    shown.history,
    Array.from({ length: 3 }, () => [archive, 'manual', 'completed', true, true, false]),
  )
  for (const [, date, status] of shown.accounts) {
    assert.match(String(date), LOCAL)
    assert.ok(seconds(date) < 120)
    assert.equal(status, 'success')
  }
  const began = archive
    .slice('dicom_backup_'.length, -'.zip'.length)
    .replace('_', ' ')
    .replace(/-(\d\d)-(\d\d)$/, ':$1:$2')
  assert.deepEqual(
    shown.accounts.map(([, date]) => date),
    [began, began],
    "the date is that of the archive's name",
  )
  assert.equal(shown.schedule?.['last_run_time'], began)
  assert.match(String(shown.schedule['next_backup_time']), / (00|06|12|18):00:00$/)
  assert.equal((await rig.visible()).length, 3)

  // The second fails at Dropbox.
  await query(
    "UPDATE backup_accounts SET dropbox_access_token = 'sl.wrong-token-of-the-viewer' WHERE account_name = 'Klinik Süd'",
  )
  const second = await rig.run()
  assert.equal(second.code, 3, JSON.stringify(second.result))
  shown = await pages()
  assert.equal(shown.backedUp, 5)
  assert.match(String(shown.accounts[0]?.[2]), /^Klinik Süd: /)
  assert.equal(shown.accounts[0]?.[1], began, 'its last backup is the first')
  assert.equal(shown.accounts[1]?.[2], 'success')
  assert.deepEqual(
    shown.history.slice(3).map((row) => row[2]),
    ['completed', 'failed', 'completed'],
  )

  // The third fails everywhere.
  await query(
    `UPDATE backup_accounts SET credentials_json = REPLACE(credentials_json, '${SECRETS.refreshToken}', '1//wrong-refresh-token')`,
  )
  await rename(rig.nas, `${rig.nas}-gone`)
  const third = await rig.run('--fresh')
  assert.equal(third.code, 1, JSON.stringify(third.result))
  shown = await pages()
  assert.equal(shown.backedUp, 5)
  assert.match(String(shown.accounts[1]?.[2]), /Google no longer accepts the sign-in/)
  assert.deepEqual(
    shown.history.slice(6).map((row) => row[2]),
    ['failed', 'failed', 'failed'],
  )

  // status says the same.
  const status = JSON.parse((await rig.cli('status', '--json')).stdout) as StatusResult
  assert.equal(status.backedUp, 5)
  assert.deepEqual(
    status.accounts.map(({ name, lastStatus }) => [name, lastStatus]),
    [
      ['nas', 'failed'],
      ['Klinik Süd', 'failed'],
      ['Drive', 'failed'],
    ],
  )
  assert.deepEqual([status.schedule.enabled, status.schedule.every], [true, '6h'])

  // What was mended goes on; a copy that failed before becomes one that is there.
  await rename(`${rig.nas}-gone`, rig.nas)
  await query(`UPDATE backup_accounts SET dropbox_access_token = '${SECRETS.dropboxToken}'`)
  const fourth = await rig.run('--fresh')
  assert.equal(fourth.code, 3)
  await query(
    `UPDATE backup_accounts SET credentials_json = REPLACE(credentials_json, '1//wrong-refresh-token', '${SECRETS.refreshToken}')`,
  )
  assert.equal((await rig.run()).code, 0)
  shown = await pages()
  assert.equal(shown.backedUp, 8)
  assert.deepEqual(
    shown.history.slice(9).map((row) => [row[2], row[5]]),
    [
      ['completed', false],
      ['completed', false],
      ['completed', false],
    ],
  )
  assert.deepEqual(
    shown.accounts.map(([, , last]) => last),
    ['success', 'success'],
  )
})

/** All that the program has written where people may see it. */
async function written({ rig }: ViewerRig): Promise<string> {
  const files = (await readdir(rig.folder, { recursive: true })).filter((name) =>
    /\.log$|^\.dicom-backup\/.*\.(json|sqlite)$/.test(name),
  )
  const texts = await Promise.all(files.map((name) => readFile(path.join(rig.folder, name), 'utf8')))
  assert.ok(texts.length > 0)
  return texts.join('\n')
}

test('a row that cannot be used fails by itself and spoils no other; no secret is shown', async (t) => {
  const viewer = await makeViewerRig(t, server)
  const { rig, query, pages } = viewer
  await query(`
    INSERT INTO backup_accounts (account_name, backup_provider, credentials_json, dropbox_access_token, folder_name, is_active) VALUES
      ('kaputt', 'google_drive', '{"private_key": "hidden-key-4711" oops', NULL, 'x', 1),
      ('kein Token', 'dropbox', NULL, NULL, 'x', 1),
      ('Klinik Süd', 'ftp', NULL, 'hidden-token-4711', 'x', 1),
      ('''; DROP TABLE backup_history; -- 🩻', 'dropbox', NULL, 'sl.hidden-token-4712', 'x', 1),
      ('stillgelegt', 'dropbox', NULL, 'sl.hidden-token-4713', 'x', 0)`)
  const { code, result, stderr } = await rig.run()
  assert.equal(code, 3, JSON.stringify(result))
  assert.deepEqual(
    result.destinations.map(({ name, type, status, error }) => [name, type, status, error?.code ?? null]),
    [
      ['nas', 'local', 'completed', null],
      ['Klinik Süd', 'dropbox', 'completed', null],
      ['Drive', 'google-drive', 'completed', null],
      ['kaputt', 'google-drive', 'failed', 'E_CONFIG'],
      ['kein Token', 'dropbox', 'failed', 'E_AUTH'],
      ['Klinik Süd #5', 'unknown', 'failed', 'E_CONFIG'],
      ["'; DROP TABLE backup_history; -- 🩻", 'dropbox', 'failed', 'E_AUTH'],
    ],
  )
  const shown = await pages()
  assert.equal(shown.backedUp, 3)
  assert.match(String(shown.accounts[2]?.[2]), /^kaputt: .*not JSON/)
  assert.match(String(shown.accounts[4]?.[2]), /"ftp"; expected dropbox or google_drive/)
  assert.deepEqual(shown.accounts[6]?.slice(1), [null, null])

  const statusJson = await rig.cli('status', '--json')
  const status = JSON.parse(statusJson.stdout) as StatusResult
  assert.deepEqual(status.accounts.map(({ name, active }) => [name, active]).at(-1), ['stillgelegt', false])
  assert.equal(status.accounts.length, 8)
  const people = await rig.cli('status')
  assert.match(people.stdout, /stillgelegt +dropbox +never +switched off/)
  const doctor = await rig.cli('doctor')
  const dryRun = await rig.cli('run', '--dry-run', '--json')
  const seen = [
    JSON.stringify(result),
    stderr,
    statusJson.stdout,
    people.stdout,
    doctor.stdout,
    doctor.stderr,
    dryRun.stdout,
    await written(viewer),
    JSON.stringify(shown),
  ].join('\n')
  for (const secret of [
    'hidden-',
    SECRETS.dropboxToken,
    SECRETS.clientSecret,
    SECRETS.refreshToken,
    server.password,
    'Zzyzx',
  ]) {
    assert.ok(!seen.includes(secret), secret)
  }
})

test('one account alone may be meant, also by its name in the viewer', async (t) => {
  const { rig, pages } = await makeViewerRig(t, server)
  const { code, result } = await rig.run('--destination', 'Klinik Süd')
  assert.equal(code, 0, JSON.stringify(result))
  assert.deepEqual(
    (await pages()).history.map((row) => row[2]),
    ['completed'],
  )
})

describe('told as wrong configuration: exit 2', () => {
  const cases: Record<string, readonly [(viewer: ViewerRig) => Promise<unknown>, RegExp]> = {
    'an account and a destination of the file of one name': [
      ({ query }) => query("UPDATE backup_accounts SET account_name = 'NAS' WHERE id = 2"),
      /both have a destination named NAS\. Rename the one in the file/,
    ],
    'no destination anywhere': [
      async ({ rig, query, sections }) => {
        await rig.configure({ ...sections, destinations: [] })
        await query('UPDATE backup_accounts SET is_active = 0')
      },
      /There is no destination: .*dicom-backup\.yaml has none, and the viewer has no active account/,
    ],
  }
  for (const [what, [how, words]] of Object.entries(cases)) {
    test(what, async (t) => {
      const viewer = await makeViewerRig(t, server)
      await how(viewer)
      for (const command of [['run'], ['resume'], ['run', '--dry-run']]) {
        const { code, stdout } = await viewer.rig.cli(command[0]!, '--json', ...command.slice(1))
        assert.equal(code, 2, command.join(' '))
        const { error } = JSON.parse(stdout) as Failure
        assert.equal(error.code, 'E_CONFIG')
        assert.match(error.message, words)
      }
      assert.deepEqual(await viewer.rig.visible(), [])
    })
  }
})

describe('a state whose tables cannot be used', () => {
  const broken = async ({ query }: ViewerRig): Promise<unknown> =>
    query('ALTER TABLE backup_history DROP COLUMN error_message')

  test('keeps no archive from being looked at and brought back, and lets no run begin', async (t) => {
    const viewer = await makeViewerRig(t, server)
    const { rig } = viewer
    const first = await rig.run()
    assert.equal(first.code, 0)
    await broken(viewer)
    const run = await rig.cli('run', '--json')
    assert.equal(run.code, 1)
    const { error } = JSON.parse(run.stdout) as Failure
    assert.equal(error.code, 'E_STATE')
    assert.match(
      error.message,
      /The state in the database viewer_\d+ at \S+ cannot be used: the table backup_history has no column error_message/,
    )
    assert.match(
      error.message,
      /Nothing was started; earlier backups are unchanged\. If it is the viewer's own table: ALTER TABLE/,
    )
    assert.equal((await rig.cli('status', '--json')).code, 1)

    const planned = await rig.cli('run', '--dry-run', '--json')
    assert.equal(planned.code, 3)
    const plan = JSON.parse(planned.stdout) as DryRunResult
    assert.deepEqual(
      plan.destinations.map(({ name }) => name),
      ['nas'],
    )
    assert.match(plan.warnings[0]?.message ?? '', /^The accounts in the state are unknown here\. The state in/)

    const verified = await rig.cli('verify', '--json')
    const { checks } = JSON.parse(verified.stdout) as VerifyResult
    assert.deepEqual(
      checks.map(({ destination }) => destination),
      ['nas'],
    )
    assert.match(verified.stderr, /what was sent is unknown here/)
    const to = path.join(rig.folder, 'restored')
    const restored = await rig.cli('restore', '--json', '--to', to)
    assert.equal(restored.code, 0, restored.stdout)
    assert.match(restored.stderr, /the accounts in the state are unknown here/)
    assert.equal(await readFile(path.join(to, 'dicom_files/a.dcm'), 'utf8'), 'x')

    await rig.configure({ ...viewer.sections, destinations: [] })
    const without = await rig.cli('restore', '--json', '--to', to)
    assert.equal(without.code, 1)
    assert.equal((JSON.parse(without.stdout) as Failure).error.code, 'E_STATE')
  })
})

describe('doctor', () => {
  const examine = async ({
    rig,
  }: ViewerRig): Promise<{
    readonly code: number | null
    readonly checks: DoctorResult['checks']
    readonly tables: DoctorResult['checks'][number]
  }> => {
    const { code, stdout } = await rig.cli('doctor', '--json')
    const { checks } = JSON.parse(stdout) as DoctorResult
    return { code, checks, tables: checks.find(({ name }) => name === "the viewer's tables")! }
  }

  test("tries the viewer's accounts too, and says what the first run will make", async (t) => {
    const viewer = await makeViewerRig(t, server)
    const first = await examine(viewer)
    assert.equal(first.code, 0, JSON.stringify(first.checks))
    assert.deepEqual(first.checks.map(({ name }) => name).slice(-5), [
      'log file',
      'destination nas',
      'destination Klinik Süd',
      'destination Drive',
      'clock',
    ])
    assert.match(
      first.tables.detail,
      /^viewer_\d+: 2 active accounts; the first run makes dicom_backup_runs, dicom_backup_copies/,
    )
    assert.equal((await viewer.query('SHOW TABLES')).length, 4, 'it makes nothing itself')
    await viewer.rig.run()
    assert.match((await examine(viewer)).tables.detail, /^viewer_\d+: 2 active accounts$/)
  })

  test('names the rights that are missing, with the statement that gives them', async (t) => {
    const viewer = await makeViewerRig(t, server)
    const user = `dumps_only_${viewer.name}`
    await server.query(
      `CREATE USER ${user} IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON ${viewer.name}.* TO ${user}; GRANT SELECT ON mysql.proc TO ${user}`,
    )
    await viewer.rig.configure({
      ...viewer.sections,
      database: { socket: server.socket, user, password: 'pw', name: viewer.name },
    })
    const { code, checks, tables } = await examine(viewer)
    assert.equal(code, 1)
    assert.deepEqual(
      checks.filter(({ ok }) => !ok).map(({ name }) => name),
      ["the viewer's tables"],
    )
    assert.match(tables.detail, /is missing INSERT, UPDATE, DELETE, CREATE$/)
    await server.query(/GRANT .*;/.exec(tables.remedy)![0])
    assert.equal((await examine(viewer)).code, 0)
    assert.equal((await viewer.rig.run()).code, 0)
  })

  test('tells a database that is down, and tries the rest', async (t) => {
    const viewer = await makeViewerRig(t, server, { socket: '/no/such/socket' })
    const { code, checks } = await examine(viewer)
    assert.equal(code, 1)
    const failed = checks.filter(({ ok }) => !ok)
    assert.deepEqual(
      failed.map(({ name }) => name),
      ['database', "the viewer's tables"],
    )
    assert.match(failed[1]!.detail, /The state in the database viewer_\d+ at \/no\/such\/socket cannot be used/)
    assert.ok(checks.some(({ name, ok }) => name === 'destination nas' && ok))
    await rm(viewer.rig.nas, { recursive: true })
  })
})
