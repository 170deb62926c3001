/** Whatever a newer version of the program has written, this one says so in plain words and changes nothing at all. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { saveSignIn } from '../../src/stages/accounts/sign-ins.ts'
import { RestoreTarget } from '../../src/stages/restore/files/target.ts'
import { MARKER } from '../../src/stages/restore/safe-path.ts'
import { bytesBelow } from '../support/folder-bytes.ts'
import { lastingCli } from '../support/lasting-cli.ts'
import { IN_STATE, raiseArchive, raised, raiseInState } from '../support/raised-versions.ts'
import { DROPBOX_REFRESH_TOKEN, makeRig, onlyNas, type Rig, type Settings } from '../support/rig.ts'

const STORE: Settings = { archive: { compression: 'store' }, retention: { days: 1, keepAtLeast: 1 } }

interface Place {
  readonly rig: Rig
  /** The stored archive. */
  readonly archive: string
  /** A folder with an unfinished restore. */
  readonly target: string
  readonly cli: Awaited<ReturnType<typeof lastingCli>>
}

/** A state folder with one of everything in it, left by a run that was killed; a stored archive, an unfinished restore. */
async function madePlace(t: TestContext): Promise<Place> {
  const rig = await makeRig(t, { ...onlyNas, ...STORE })
  const cli = await lastingCli(t)
  await rig.put('a', 'an image')
  const first = JSON.parse((await cli(['run', '--json', '--config', rig.configFile])).stdout) as {
    archive: { name: string }
  }
  assert.equal((await cli(['status', '--check', '--json', '--config', rig.configFile])).code, 0)
  await saveSignIn(rig.state, {
    name: 'hospital-dropbox',
    type: 'dropbox',
    refreshToken: DROPBOX_REFRESH_TOKEN,
    clientId: 'app-key',
    account: 'Ann',
    connectedAt: '2026-11-23T12:00:00+01:00',
    lapsesAt: null,
    replaces: null,
  })
  await rig.put('b', Buffer.alloc(5 << 20, 'another image '))
  const dropbox = {
    name: 'hospital-dropbox',
    type: 'dropbox',
    folder: '/DICOM_Backups',
    appKey: 'app-key',
    chunkSize: 4 << 20,
  }
  await rig.configure({ ...STORE, destinations: [dropbox, ...(onlyNas['destinations'] as Settings[])] })
  await killedRun(rig)
  const target = path.join(rig.folder, 'restored')
  await (await RestoreTarget.open({ to: target, overwrite: false, name: 'x.zip', fingerprint: 'f' })).leave()
  return { rig, archive: first.archive.name, target, cli }
}

/** Kills a run when the folder has its archive and Dropbox has none of it. */
async function killedRun(rig: Rig): Promise<void> {
  const killed = Promise.withResolvers<undefined>()
  rig.dropbox.faults.add({ route: 'append', nth: 'every', fault: { kind: 'held', until: killed.promise } })
  await rig.cliWith(
    {
      onStart: (child) => {
        const kill = async (): Promise<void> => {
          const isReady = (): boolean =>
            rig.dropbox.requests.count('append') > 0 &&
            readdirSync(rig.nas).filter((name) => name.endsWith('.zip')).length === 2
          while (!isReady() && child.exitCode === null) await sleep(5)
          child.kill('SIGKILL')
        }
        void kill()
      },
    },
    'run',
  )
  killed.resolve(undefined)
  // The service still takes what had reached it.
  await rig.dropbox.idle()
  rig.dropbox.faults.clear()
}

const TO = 'TARGET'
const ARCHIVE = 'ARCHIVE'

/** Every command that reads the state or an archive. */
const COMMANDS: readonly (readonly string[])[] = [
  ['run'],
  ['run', '--fresh'],
  ['run', '--if-due'],
  ['run', '--dry-run'],
  ['resume'],
  ['status'],
  ['status', '--check'],
  ['archives'],
  ['history'],
  ['accounts'],
  ['accounts', 'test'],
  ['accounts', 'connect', 'hospital-dropbox', '--no-browser'],
  ['accounts', 'disconnect', 'hospital-dropbox'],
  ['schedule', 'show'],
  ['schedule', 'set', '--every', '6h'],
  ['prune'],
  ['prune', '--dry-run'],
  ['verify', ARCHIVE],
  ['verify', ARCHIVE, '--deep'],
  ['restore', ARCHIVE, '--list'],
  ['restore', ARCHIVE, '--to', TO],
  ['restore', ARCHIVE, '--to', TO, '--overwrite'],
  ['doctor'],
]

/** Runs them all: each has to refuse, and to leave every byte below the rig's folder, but for the log, as it was. */
async function mustRefuse({ rig, archive, cli }: Place, to: string, commands = COMMANDS): Promise<void> {
  const bytes = (): object => {
    const all = Object.entries(bytesBelow(rig.folder))
    return Object.fromEntries(all.filter(([name]) => !name.startsWith('logs')))
  }
  const found = bytes()
  for (const command of commands) {
    const words = command.map((word) => (word === TO ? to : word === ARCHIVE ? archive : word))
    const { code, stdout } = await cli([...words, '--json', '--config', rig.configFile])
    const text = `${words.join(' ')}: ${stdout}`
    assert.equal(code, 1, text)
    assert.match(stdout, /was made by a newer version of dicom-backup/, text)
    assert.match(stdout, /Nothing was changed, and stored backups are safe\. Update dicom-backup/, text)
    if (command[0] !== 'doctor') {
      const { error } = JSON.parse(stdout) as { error: { code: string } }
      assert.deepEqual(error.code, 'E_STATE', text)
    }
    assert.deepEqual(bytes(), found, words.join(' '))
  }
}

test('what a newer version has written is refused by every command that reads it, and not a byte is changed', async (t) => {
  const place = await madePlace(t)
  const { rig, archive, target, cli } = place
  for (const what of Object.keys(IN_STATE)) {
    await t.test(what, async () => {
      const putBack = raiseInState(rig.state, what)
      try {
        await mustRefuse(place, path.join(rig.folder, 'new'))
      } finally {
        putBack()
      }
    })
  }

  await t.test('an unfinished restore', async () => {
    const putBack = raised(path.join(target, MARKER))
    await mustRefuse(
      place,
      target,
      COMMANDS.filter((words) => words.includes(TO)),
    )
    putBack()
  })

  await t.test('an archive', async () => {
    const putBack = raised(path.join(rig.nas, archive), raiseArchive)
    const reading = COMMANDS.filter((words) => words.some((word) => ['--deep', '--list', TO].includes(word)))
    await mustRefuse(place, path.join(rig.folder, 'new'), reading)
    putBack()
  })

  await t.test('and with its own versions in their places, it resumes the run', async () => {
    const { code, stdout } = await cli(['run', '--json', '--config', rig.configFile])
    assert.equal(code, 0, stdout)
    assert.equal((JSON.parse(stdout) as { resumed: boolean }).resumed, true)
  })
})

test('people are told on stderr what happened, what is safe and what to do', async (t) => {
  const rig = await makeRig(t, onlyNas)
  await rig.put('a', 'x')
  assert.equal((await rig.run()).code, 0)
  const putBack = raiseInState(rig.state, 'the record of runs')
  const { code, stdout, stderr } = await rig.cli('run')
  assert.deepEqual([code, stdout], [1, ''])
  const text = stderr.replaceAll(/\s+/g, ' ')
  assert.match(text, /state\.sqlite in the state folder was made by a newer version of dicom-backup/)
  assert.match(text, /Update dicom-backup on this machine/)
  putBack()
  assert.ok(readFileSync(path.join(rig.state, 'state.sqlite')).length > 0)
})
