/**
 * The command line as its users meet it: help, wrong usage, configuration files and exit codes. json-results.test.ts
 * holds its results.
 */
import assert from 'node:assert/strict'
import { rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { DoctorResult, DryRunResult } from '../../src/stages/contract/results.ts'
import { SqliteState } from '../../src/stages/state/sqlite-state.ts'
import { takeFolderLock } from '../../src/stages/state/folder-lock.ts'
import { dicomBackup, type CliResult } from '../support/cli.ts'
import { makeRig, onlyNas, SECRETS } from '../support/rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** The one JSON object on stdout. */
function only({ stdout }: CliResult): unknown {
  assert.match(stdout, /^\{.*\}\n$/, 'one line, one object')
  return JSON.parse(stdout)
}

interface Failure {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly faults?: readonly Record<string, unknown>[]
  }
}

describe('help', () => {
  const options: Record<string, readonly string[]> = {
    init: ['--config <file>', '--json'],
    run: [
      '--config <file>',
      '--json',
      '--quiet',
      '--verbose',
      '--if-due',
      '--dry-run',
      '--fresh',
      '--destination <name>',
      '--accept-shrunk',
    ],
    resume: ['--config <file>', '--json', '--quiet', '--verbose'],
    status: ['--config <file>', '--json', '--quiet', '--verbose', '--check', '--accept-gone'],
    archives: ['--config <file>', '--json', '--from <destination>'],
    history: ['--config <file>', '--json', '--limit <number>'],
    accounts: [],
    schedule: [],
    prune: ['--config <file>', '--json', '--quiet', '--verbose', '--dry-run', '--destination <name>'],
    verify: ['--config <file>', '--json', '--quiet', '--verbose', '--from <destination>', '--deep', '--restore-test'],
    restore: [
      '--config <file>',
      '--json',
      '--quiet',
      '--verbose',
      '--to <folder>',
      '--database <name>',
      '--list',
      '--from <destination>',
      '--study <uid>',
      '--series <uid>',
      '--patient <id>',
      '--overwrite',
      '--owner',
    ],
    doctor: ['--config <file>', '--json', '--quiet', '--verbose'],
    demo: ['--folder <folder>', '--json'],
  }
  const inner: Record<string, readonly string[]> = {
    'accounts list': ['--config <file>', '--json'],
    'accounts test': ['--config <file>', '--json', '--quiet', '--verbose'],
    'accounts connect': ['--config <file>', '--json', '--no-browser', '--port <number>', '--app-key <key>'],
    'accounts disconnect': ['--config <file>', '--json'],
    'schedule show': ['--config <file>', '--json'],
    'schedule set': ['--config <file>', '--json', '--every <interval>'],
    'schedule enable': ['--config <file>', '--json'],
    'schedule disable': ['--config <file>', '--json'],
    'schedule install': ['--config <file>', '--json', '--print', '--with <scheduler>'],
    'schedule uninstall': ['--config <file>', '--json', '--print'],
  }
  /** Its commands, in the order of the help. */
  const commandsIn = (help: string): string[] =>
    [...help.matchAll(/^ {2}([a-z]+)(?: [[<].*[\]>])? {2,}\S/gm)].map(([, name]) => name ?? '')

  test('lists every command and the exit codes', async () => {
    const { code, stdout } = await dicomBackup(['help'])
    assert.equal(code, 0)
    assert.deepEqual(commandsIn(stdout), [...Object.keys(options), 'help'])
    for (const exit of [0, 1, 2, 3, 4, 130]) assert.match(stdout, new RegExp(`\\b${exit} {2}`))
  })

  for (const group of ['accounts', 'schedule']) {
    test(`of ${group} lists its commands`, async () => {
      const { code, stdout } = await dicomBackup([group, '--help'])
      assert.equal(code, 0)
      const own = Object.keys(inner).filter((name) => name.startsWith(`${group} `))
      assert.deepEqual(commandsIn(stdout), [...own.map((name) => name.slice(group.length + 1)), 'help'])
    })
  }

  for (const [command, known] of Object.entries({ ...options, ...inner })) {
    test(`of ${command} lists its options, each with words for people`, async () => {
      const { code, stdout } = await dicomBackup([...command.split(' '), '--help'])
      assert.equal(code, 0)
      const listed = [...stdout.matchAll(/^ {2}(?:-\w, )?(--\S+(?: <\w+>)?) {2,}\S/gm)].map(([, option]) => option)
      assert.deepEqual(listed.sort(), [...known, '--help'].sort())
      assert.doesNotMatch(stdout, /default: (?:false|\[\]|off)/)
    })
  }
})

describe('wrong usage exits with 2 and says what is wrong and where to look', () => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['bogus'], /Unknown command 'bogus'\..*dicom-backup help/s],
    [['schedule', 'bogus'], /Unknown command 'schedule bogus'\. Expected one of: show, set, .*schedule --help/s],
    [['accounts', 'bogus'], /Unknown command 'accounts bogus'\. Expected one of: list, test, connect/s],
    [['schedule', 'set'], /No interval given.*1h, 3h, 6h, 12h, 24h/s],
    [['accounts', 'connect'], /[Mm]issing required argument 'name'.*accounts connect --help/s],
    [['accounts', 'connect', 'x', '--port', '0'], /from 1\s+to 65535/],
    [['rum'], /Unknown command 'rum'\. Did you mean run\?/],
    [['run', '--dry-runn'], /Unknown option '--dry-runn'\. Did you mean --dry-run\?.*dicom-backup run --help/s],
    [['run', '--destination'], /'--destination <name>' argument missing.*dicom-backup run --help/s],
    [
      ['restore', '--study', '--overwrite', '--to', 'x'],
      /'--study <uid>' argument '--overwrite' is invalid\..*value\s+is\s+missing/s,
    ],
    [['run', '--destination', '-q'], /'--destination <name>' argument '-q' is invalid/],
    [['doctor', '--config'], /'-c, --config <file>' argument missing/],
    [['run', 'extra'], /[Tt]oo many arguments/],
    [['run', '--fresh', '--dry-run'], /Option '--fresh' cannot be used with option '-n, --dry-run'.*run --help/s],
    [['resume', '--destination', 'nas'], /Unknown option '--destination'.*dicom-backup resume --help/s],
    [['resume', '--fresh'], /Unknown option '--fresh'/],
    [['status', 'extra'], /[Tt]oo many arguments/],
    [
      ['accounts', 'conect'],
      /Unknown command 'accounts conect'\.\s+Expected\s+one\s+of:\s+list,\s+test,\s+connect,\s+disconnect\..*accounts --help/s,
    ],
    [['accounts', 'connect'], /[Mm]issing required argument 'name'.*accounts connect --help/s],
    [['--config', 'x.yaml', 'run'], /Unknown option '--config'/],
    [['run', '-q', '-v'], /Option '-q, --quiet' cannot be used with option '-v, --verbose'/],
    [['snapshots'], /Unknown command 'snapshots'\. Did you mean: dicom-backup /],
    [['check'], /Unknown command 'check'\. Did you mean: dicom-backup verify/],
  ]
  for (const [args, says] of cases) {
    test(args.join(' '), async () => {
      const people = await dicomBackup(args)
      assert.equal(people.code, 2)
      assert.equal(people.stdout, '')
      assert.match(people.stderr, says)
      assert.doesNotMatch(people.stderr, /Safe/, 'nothing was at risk')
      const missing = args.at(-1)?.startsWith('--') === true
      const machine = await dicomBackup(missing ? [args[0]!, '--json', ...args.slice(1)] : [...args, '--json'])
      assert.equal(machine.code, 2)
      assert.equal((only(machine) as Failure).error.code, 'E_CONFIG')
      assert.doesNotMatch((only(machine) as Failure).error.message, /\n|error:/)
    })
  }

  test('no command at all shows the help', async () => {
    const { code, stderr } = await dicomBackup([])
    assert.equal(code, 2)
    assert.match(stderr, /^Usage: dicom-backup.*Exit codes:[^[]*$/s)
  })
})

describe('the configuration file', () => {
  test('is dicom-backup.yaml of the current folder, else the one of DICOM_BACKUP_CONFIG, else the one of --config', async (t) => {
    const folder = await tempFolder(t)
    for (const name of ['dicom-backup.yaml', 'environment.yaml', 'option.yaml']) {
      const content = `dicom: { root: ${name} }\ndestinations: [{ name: nas, type: local, folder: nas }]\n`
      await writeFile(path.join(folder, name), content)
    }
    const used = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<string | undefined> => {
      const { checks } = only(await dicomBackup(['doctor', '--json', ...args], { cwd: folder, env })) as DoctorResult
      return path.basename(checks[0]?.detail ?? '')
    }
    const set = { DICOM_BACKUP_CONFIG: 'environment.yaml' }
    assert.equal(await used({}), 'dicom-backup.yaml')
    assert.equal(await used(set), 'environment.yaml')
    assert.equal(await used(set, '--config', path.join(folder, 'option.yaml')), 'option.yaml')
  })

  test('that is not there is told with the way to make one', async (t) => {
    const failed = await dicomBackup(['run', '--json'], { cwd: await tempFolder(t) })
    assert.equal(failed.code, 2)
    assert.match((only(failed) as Failure).error.message, /dicom-backup\.yaml does not exist\. .*dicom-backup init/)
  })

  test('has all its faults told at once, each with its place, and nothing is begun', async (t) => {
    const rig = await makeRig(t)
    const lines = [
      'dicom: { root: 7 }',
      'archive: { compresion: fast }',
      'destinations:',
      '  - { name: a, type: local, folder: nas }',
      '  - { name: a, type: dropbox, folder: /x, accessToken: sl.aaaaaaaaaaaaaa }',
      '  - { name: b, type: ftp }',
    ]
    await writeFile(rig.configFile, lines.join('\n'))
    const places = ['1:16', '2:12', '5:13', '6:22']
    const machine = await rig.cli('run', '--json')
    assert.equal(machine.code, 2)
    const { error } = only(machine) as Failure
    assert.equal(error.code, 'E_CONFIG')
    assert.deepEqual(
      error.faults?.map((fault) => Object.keys(fault).sort()),
      places.map(() => ['column', 'key', 'line', 'message']),
    )
    assert.deepEqual(
      error.faults?.map(({ line, column }) => `${String(line)}:${String(column)}`),
      places,
    )
    assert.deepEqual(
      error.faults?.map(({ key }) => key),
      ['dicom.root', 'archive.compresion', 'destinations[1].name', 'destinations[2].type'],
    )
    const people = await rig.cli('run')
    assert.equal(people.code, 2)
    assert.equal(people.stdout, '')
    for (const place of places) assert.match(people.stderr, new RegExp(`dicom-backup\\.yaml:${place} `))
    await assert.rejects(stat(rig.state), 'no state folder')
    await assert.rejects(stat(path.join(rig.folder, 'logs')), 'no log')
  })
})

describe('--destination', () => {
  test('with an unknown name exits with 2 and names those there are', async (t) => {
    const rig = await makeRig(t)
    for (const args of [[], ['--dry-run']]) {
      const failed = await rig.cli('run', '--json', '--destination', 'nas', '--destination', 'naz', ...args)
      assert.equal(failed.code, 2)
      assert.match((only(failed) as Failure).error.message, /\bnaz\b.*hospital-dropbox, hospital-drive, nas/)
    }
  })

  test('can be given several times: the backup goes there and nowhere else', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const only = ['--destination', 'nas', '--destination', 'hospital-dropbox']
    const { code, result } = await rig.run(...only)
    assert.equal(code, 0)
    assert.deepEqual(
      result.destinations.map(({ name }) => name),
      ['hospital-dropbox', 'nas'],
    )
    assert.equal(rig.drive.requests.count(), 0)
    const plan = await rig.cli('run', '--dry-run', '--json', ...only)
    assert.deepEqual(
      (JSON.parse(plan.stdout) as DryRunResult).destinations.map(({ name }) => name),
      ['hospital-dropbox', 'nas'],
    )
  })
})

test('results go to stdout, progress and warnings to stderr; with --json stderr has no progress', async (t) => {
  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  const people = await rig.cli('run')
  assert.match(people.stdout, /Backup completed/)
  assert.doesNotMatch(people.stdout, /Storing the DICOM files/)
  assert.match(people.stderr, /Scanning the archive folder/)
  await rig.configure({ archive: { prefix: 'second' } })
  const machine = await rig.cli('run', '--json')
  assert.equal(machine.code, 0, machine.stdout)
  assert.doesNotMatch(machine.stderr, /Looking|Storing/)
})

describe('exit codes', () => {
  test('0 stored everywhere; 3 one destination failed; 1 nothing stored; 4 another run is active', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    assert.equal((await rig.run()).code, 0)
    await rig.configure({
      archive: { prefix: 'second' },
      destinations: [
        { name: 'nas', type: 'local', folder: 'nas' },
        { name: 'gone', type: 'local', folder: 'gone' },
      ],
    })
    assert.equal((await rig.run()).code, 3)
    await rig.configure({ destinations: [{ name: 'gone', type: 'local', folder: 'gone' }] })
    assert.equal((await rig.run()).code, 1)

    const lock = await takeFolderLock(rig.state)
    try {
      const locked = await rig.cli('run', '--json')
      assert.equal(locked.code, 4)
      assert.equal((only(locked) as Failure).error.code, 'E_LOCKED')
      await rig.configure(onlyNas)
      assert.equal((await rig.cli('run', '--dry-run')).code, 0, 'a plan disturbs nobody')
      assert.equal((await rig.cli('doctor')).code, 0)
      assert.equal((await rig.cli('status')).code, 3, 'the last run failed')
      assert.equal((await rig.cli('resume')).code, 4)
    } finally {
      await lock.release()
    }
    const store = SqliteState.open(rig.state)
    t.after(() => store.close())
    assert.equal((await store.lastGood())?.files, 1)
  })

  test('of a plan are those of the run it foretells', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    assert.equal((await rig.cli('run', '--dry-run')).code, 0)
    rig.dropbox.expireTokens()
    assert.equal((await rig.cli('run', '--dry-run')).code, 3)
    rig.drive.revoke(SECRETS.refreshToken)
    await rm(rig.nas, { recursive: true })
    assert.equal((await rig.cli('run', '--dry-run')).code, 1)
    await rm(rig.root, { recursive: true })
    const failed = await rig.cli('run', '--dry-run', '--json')
    assert.equal(failed.code, 1)
    assert.equal((only(failed) as Failure).error.code, 'E_SOURCE')
  })
})
