/** Signing in to Dropbox and Google with `accounts connect`, by the real process. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { AccountsResult, DoctorResult } from '../../src/stages/contract/results.ts'
import {
  allows,
  connectByHand,
  connectWithBrowser,
  connectWithoutBrowser,
  DRIVE,
  DROPBOX,
  freePort,
  nextSecond,
  signInsOf,
  statusOf,
  UNCONNECTED,
  unconnectedRig,
  type Page,
} from '../support/connecting.ts'
import { SECRETS, type Rig } from '../support/rig.ts'

const POSIX_ONLY = process.platform === 'win32' && 'the browser of these tests is a shell script'

const LINUX_ONLY = process.platform !== 'linux' && 'other systems always have a program that opens addresses'

const SERVICES = [
  { name: DROPBOX, standInOf: (rig: Rig) => rig.dropbox },
  { name: DRIVE, standInOf: (rig: Rig) => rig.drive },
] as const

/** The redirect address that a consent page was asked for, with these parameters. */
function redirect({ address }: Page, parameters: Record<string, string>): string {
  const target = new URL(new URL(address).searchParams.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
  return target.href
}

const stateOf = ({ address }: Page): string => new URL(address).searchParams.get('state') ?? ''

async function logOf(rig: Rig): Promise<string> {
  const file = path.join(rig.folder, 'logs', 'backup_scheduler.log')
  return existsSync(file) ? await readFile(file, 'utf8') : ''
}

describe('accounts connect', { skip: POSIX_ONLY }, () => {
  test('signs in to both services in the browser; before that they alone get no backup, and after it they do', async (t) => {
    const rig = await unconnectedRig(t)
    assert.equal((await statusOf(rig)).code, 3)
    const before = await rig.run()
    assert.equal(before.code, 3)
    for (const [index, { name }] of SERVICES.entries()) {
      const { status, error } = before.result.destinations[index]!
      assert.deepEqual([status, error?.code], ['failed', 'E_AUTH'])
      assert.match(error?.message ?? '', new RegExp(`no sign-in to .* yet\\. .*dicom-backup accounts connect ${name}$`))
    }
    assert.equal(before.result.destinations[2]?.status, 'completed')
    await nextSecond()

    const shown: string[] = []
    for (const { name } of SERVICES) {
      const seen: { argv?: string } = {}
      const person = async (page: Page): Promise<void> => {
        const query = new URL(page.address).searchParams
        assert.equal(query.get('code_challenge_method'), 'S256')
        assert.match(
          query.get('redirect_uri') ?? '',
          name === DROPBOX ? /^http:\/\/localhost:/ : /^http:\/\/127\.0\.0\.1:/,
        )
        if (name === DRIVE) assert.equal(query.get('scope'), 'https://www.googleapis.com/auth/drive.file')
        seen.argv = [page.address, ...page.child.spawnargs].join(' ')
        assert.equal(await page.consent(), 200)
      }
      const { code, stdout, stderr } = await connectWithBrowser(rig, name, person)
      assert.equal(code, 0, stderr)
      assert.match(stdout, new RegExp(`${name} is connected: backup@hospital\\.example`))
      assert.match(stderr, /Open this address in a browser:\n\nhttps:\S+\n\nSign in to .*then continues\s+by\s+itself/s)
      shown.push(stdout, stderr, seen.argv ?? '')
    }

    const folder = path.join(rig.state, 'sign-ins')
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    const files = await readdir(folder)
    assert.equal(files.length, 2)
    for (const file of files) assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600)
    const secrets = [SECRETS.clientSecret, ...signInsOf(rig).map(({ refreshToken }) => refreshToken)]
    assert.ok(signInsOf(rig).every((signIn) => !JSON.stringify(signIn).includes(SECRETS.clientSecret)))

    const status = await statusOf(rig)
    // The run before it has failed there.
    assert.deepEqual([status.code, status.of(DROPBOX), status.of(DRIVE)], [3, 'ok', 'ok'])
    const after = await rig.cli('run')
    assert.equal(after.code, 0, after.stderr)
    assert.equal((await statusOf(rig)).code, 0)
    const names = before.result.archive?.name
    assert.deepEqual(await rig.visible(), [names, names, names], 'the same archive, where it was lacking')
    const list = await rig.cli('accounts', 'list', '--json')
    assert.deepEqual(
      (JSON.parse(list.stdout) as AccountsResult).accounts.map((one) => one.signedInBy),
      ['connected', 'connected', ''],
    )
    const tested = await rig.cli('accounts', 'test')
    assert.deepEqual([tested.code, tested.stderr], [0, ''])
    assert.match(tested.stdout, /hospital-drive +backup@hospital\.example, .*Every destination can be used/s)
    const everything = [...shown, after.stdout, after.stderr, list.stdout, tested.stdout, await logOf(rig)].join('\n')
    for (const secret of secrets) assert.equal(everything.includes(secret), false)
    assert.doesNotMatch(everything, /ya29\.|\bsl\.[\w-]{6}|code_verifier/)
  })

  for (const { name, standInOf } of SERVICES) {
    test(`at ${name} turns away what is not the answer to its own page, and waits on`, async (t) => {
      const rig = await unconnectedRig(t)
      const { code, stdout } = await connectWithBrowser(rig, name, async (page) => {
        const wrong = [
          redirect(page, { code: 'stolen', state: 'another' }),
          redirect(page, { code: 'stolen' }),
          redirect(page, { code: 'stolen', state: '' }),
          redirect(page, { error: 'access_denied' }),
          redirect(page, { state: stateOf(page) }),
          redirect(page, { state: stateOf(page), code: '' }),
        ]
        for (const address of wrong) assert.equal((await fetch(address)).status, 400, address)
        const { origin } = new URL(redirect(page, {}))
        const elsewhere = redirect(page, { code: 'x', state: stateOf(page) })
        assert.equal((await fetch(elsewhere, { method: 'POST' })).status, 404)
        assert.equal((await fetch(`${origin}/favicon.ico`)).status, 404)
        // Not an address at all.
        assert.equal((await fetch(`${origin}//`)).status, 404)
        assert.equal(standInOf(rig).requests.count(), 0, 'nothing of it went to the service')
        assert.equal(await page.consent(), 200)
      })
      assert.deepEqual([code, /is connected/.test(stdout)], [0, true])
    })
  }

  test('that is denied at the page connects nothing, and says so', async (t) => {
    const rig = await unconnectedRig(t)
    const denied = async (page: Page): Promise<void> => {
      const answer = await fetch(redirect(page, { error: 'access_denied', state: stateOf(page) }))
      assert.match(await answer.text(), /Nothing was connected/)
    }
    const { code, stdout } = await connectWithBrowser(rig, DRIVE, denied, '--json')
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.deepEqual([code, error.code], [1, 'E_AUTH'])
    assert.match(error.message, /refused at the service's page \(access_denied\)\. Start again, and allow the access/)
    assert.deepEqual(signInsOf(rig), [])
  })

  test('with --json prints one object on stdout; the address goes to stderr', async (t) => {
    const rig = await unconnectedRig(t)
    const { code, stdout, stderr } = await connectWithBrowser(rig, DRIVE, undefined, '--json')
    assert.equal(code, 0)
    const { connectedAt, ...result } = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual(result, { name: DRIVE, type: 'google-drive', account: 'backup@hospital.example', lapsesAt: null })
    assert.ok(!Number.isNaN(Date.parse(String(connectedAt))))
    assert.match(stderr, /https:/)
  })

  test('by hand takes the code that Dropbox shows, and the address that Google’s page ends at', async (t) => {
    const rig = await unconnectedRig(t)
    const paste =
      (spoil: (text: string) => string) =>
      ({ address, child }: Page): Promise<void> => {
        const isDropbox = address.startsWith('https://www.dropbox.com/')
        assert.equal(new URL(address).searchParams.has('redirect_uri'), !isDropbox)
        child.stdin?.write(spoil((isDropbox ? rig.dropbox : rig.drive).consent(address)))
        return Promise.resolve()
      }
    // stdin stays open, as a terminal's does.
    for (const { name } of SERVICES) {
      const { code, stdout, stderr } = await connectByHand(
        rig,
        name,
        paste((text) => `  ${text} \r\n`),
      )
      assert.equal(code, 0, stderr)
      assert.match(stdout, new RegExp(`${name} is connected: `))
    }
    const connected = await statusOf(rig)
    assert.deepEqual([connected.of(DROPBOX), connected.of(DRIVE)], ['ok', 'ok'])

    const kept = signInsOf(rig)
    const ended = ({ child }: Page): Promise<void> => {
      child.stdin?.end()
      return Promise.resolve()
    }
    assert.equal((await connectByHand(rig, DROPBOX, ended)).code, 1)
    assert.deepEqual(signInsOf(rig), kept, 'the sign-in that there is stays')
  })

  test('is by hand where there is no browser, as over SSH', { skip: LINUX_ONLY }, async (t) => {
    const rig = await unconnectedRig(t)
    const pastes = async ({ address, child }: Page): Promise<void> => {
      await Promise.resolve()
      child.stdin?.write(`${rig.drive.consent(address)}\n`)
    }
    const { code, stdout, stderr } = await connectWithoutBrowser(rig, DRIVE, pastes)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /hospital-drive is connected: /)
    // Who names a port has a browser that reaches it.
    const forwarded = await connectWithoutBrowser(rig, DRIVE, allows, '--port', String(await freePort()))
    assert.equal(forwarded.code, 0, forwarded.stderr)
  })

  test('that is stopped with Ctrl-C exits with 130 and keeps nothing, wherever it is', async (t) => {
    const rig = await unconnectedRig(t)
    const stop = ({ child }: Page): Promise<boolean> => Promise.resolve(child.kill('SIGINT'))
    const port = String(await freePort())
    assert.equal((await connectWithBrowser(rig, DROPBOX, stop, '--port', port)).code, 130)
    assert.equal((await connectByHand(rig, DROPBOX, stop)).code, 130)
    const atExchange = async (page: Page): Promise<void> => {
      rig.dropbox.faults.add({ route: 'token', fault: { kind: 'stall', afterBytes: 0 } })
      await page.consent()
      while (rig.dropbox.requests.count('token') === 0) await sleep(5)
      page.child.kill('SIGINT')
    }
    const { code, stderr } = await connectWithBrowser(rig, DROPBOX, atExchange, '--port', port)
    assert.equal(code, 130, stderr)
    assert.deepEqual(signInsOf(rig), [])
  })

  test('whose port is taken says which, and how to go around it: exit 2', async (t) => {
    const rig = await unconnectedRig(t)
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const { port } = taken.address() as { port: number }
    for (const name of [DROPBOX, DRIVE]) {
      const { code, stderr } = await rig.cli('accounts', 'connect', name, '--port', String(port))
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`Port ${port} .*EADDRINUSE.*--port.*--no-browser`, 's'))
    }
    // Dropbox's own, whoever has it now.
    const usual = createServer().on('error', () => undefined)
    usual.listen(53_682, '127.0.0.1')
    await Promise.race([once(usual, 'listening'), once(usual, 'error').catch(() => undefined)])
    t.after(() => usual.close())
    const env = { BROWSER: '/nonexistent' }
    const { code, stderr } = await rig.cliWith({ env }, 'accounts', 'connect', DROPBOX)
    assert.equal(code, 2)
    assert.match(stderr, /Port 53682 /)
  })

  test('with a wrong option exits with 2 and says what would be right', async (t) => {
    const rig = await unconnectedRig(t)
    const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [['connect', 'nas'], /nas is a folder; only Dropbox and Google Drive/],
      [['connect', 'nobody'], /no destination named nobody .*hospital-dropbox, hospital-drive, nas/s],
      [['test', 'nas', 'nobody'], /no destination named nobody .*hospital-dropbox, hospital-drive, nas/s],
      [['connect', DROPBOX, '--port', '65536'], /'65536' is invalid.*a number from 1 to 65535/s],
      [['connect', DROPBOX, '--app-key', 'a key'], /Dropbox App Console/],
      [['connect', DROPBOX, '--app-key', 'another'], /another appKey in the configuration.*Leave --app-key out/s],
      [['connect', DRIVE, '--app-key', 'app-key'], /is Google Drive; only Dropbox has App keys.*oauth\.clientId/s],
    ]
    for (const [args, says] of cases) {
      const { code, stdout, stderr } = await rig.cli('accounts', ...args)
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
      assert.match(stderr.replaceAll(/\n */g, ' '), says)
    }
    assert.equal(rig.dropbox.requests.count() + rig.drive.requests.count(), 0)
  })

  test('for a configuration without an app says what to write into it; --app-key does for Dropbox', async (t) => {
    const rig = await unconnectedRig(t)
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const account = { type: 'service_account', client_email: 'a@b.example', private_key: key }
    await writeFile(path.join(rig.folder, 'key.json'), JSON.stringify(account), { mode: 0o600 })
    const withToken = (accessToken: string): Promise<void> =>
      rig.configure({
        destinations: [
          { name: DROPBOX, type: 'dropbox', folder: '/DICOM_Backups', accessToken },
          { name: DRIVE, type: 'google-drive', folder: 'X', credentialsFile: 'key.json' },
        ],
      })
    await withToken('sl.of-an-hour-ago-0000')
    const says = [
      [DROPBOX, /has no appKey.*--app-key/s],
      [DRIVE, /no oauth\.clientId.*A\s+service\s+account\s+needs\s+no\s+connect/s],
    ] as const
    for (const [name, what] of says) {
      const { code, stderr } = await rig.cli('accounts', 'connect', name)
      assert.equal(code, 2)
      assert.match(stderr, what)
    }
    const before = await rig.cli('status')
    assert.equal(before.code, 3, 'an access token that Dropbox lets lapse is about to')
    assert.match(
      before.stdout.replaceAll(/\n */g, ' '),
      /expires soon\. A Dropbox access token expires 4 hours.* connect hospital-dropbox --app-key KEY/,
    )
    assert.equal((await connectWithBrowser(rig, DROPBOX, allows, '--app-key', 'app-key')).code, 0)
    assert.doesNotMatch((await rig.cli('status')).stdout, /expires soon/)
    // A token that is put into the configuration after it is meant to be used.
    await withToken(SECRETS.dropboxToken)
    const { accounts } = JSON.parse((await rig.cli('accounts', 'list', '--json')).stdout) as AccountsResult
    assert.deepEqual(
      accounts.map((one) => one.signedInBy),
      ['access token', 'service account'],
    )
  })

  test('in testing mode says at once that it lapses, and status says so two days before', async (t) => {
    const rig = await unconnectedRig(t, { grantLifetimeSeconds: 1.5 * 86_400 })
    await rig.configure({ destinations: UNCONNECTED.destinations.slice(1) })
    const { code, stdout } = await connectWithBrowser(rig, DRIVE)
    assert.equal(code, 0)
    assert.match(stdout.replaceAll(/\n */g, ' '), /This sign-in expires at .* is in testing\. Publish the app/)
    const doctor = await rig.cli('doctor', '--json')
    const { checks } = JSON.parse(doctor.stdout) as DoctorResult
    assert.deepEqual(
      [doctor.code, checks.filter(({ ok }) => !ok).map((one) => one.name)],
      [1, [`destination ${DRIVE}`]],
    )
    const found = checks.find((one) => one.name === `destination ${DRIVE}`)
    assert.match(found?.detail ?? '', /^backup@hospital\.example, .*; the sign-in expires at \d{4}-/)
    assert.match(found?.remedy ?? '', /Publish the app.*dicom-backup accounts connect hospital-drive$/)
    const status = await rig.cli('status')
    assert.equal(status.code, 3)
    assert.match(
      status.stdout.replaceAll(/\n */g, ' '),
      /expires soon \(.*\)\. Google ends it after 7 days.* Publish the app.*dicom-backup accounts connect hospital-drive/,
    )
    assert.equal((await rig.run()).code, 0, 'it is good until then')
  })
})
