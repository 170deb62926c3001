/**
 * No patient's name or id and no secret stands in a log, an object's name, the progress, an error, a request's address
 * or a process's arguments.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { FILLER_BYTES, heldUp, putReadAhead, putZeros } from '../support/held-up.ts'
import type { MariaDb } from '../support/mariadb.ts'
import { SECRETS, type Settings } from '../support/rig.ts'
import {
  assertPrivate,
  found,
  PASSWORD,
  patients,
  said,
  secrets,
  serverWithPatients,
  watchedRig,
  WRONG_PASSWORD,
  type Watched,
} from '../support/watched.ts'
import { readEntry, readManifest } from '../support/zip-entries.ts'

let server: MariaDb
before(async () => {
  server = await serverWithPatients()
})
after(() => server.close())

describe('patients and secrets stay out of everything', () => {
  test('that a good run says, logs, sends as an address and leaves behind; the archive alone has the patients', async (t) => {
    const one = await watchedRig(t, server)
    const { rig, services } = one
    const result = await rig.cli('run', '--json')
    assert.equal(result.code, 3, 'a link was left out')
    assertPrivate(one, result, 'run --json')

    // Each place was looked into, and the search finds what is there.
    const { archive, skippedFiles } = JSON.parse(result.stdout) as RunResult
    const text = said(one, result)
    assert.deepEqual(found(JSON.stringify(skippedFiles), patients), ['Mustermann', 'PAT-778899'])
    const { nas } = await rig.archives(archive!.name)
    const inside =
      JSON.stringify(await readManifest(nas)) + (await readEntry(nas, 'database/dicom_viewer.sql')).toString()
    assert.deepEqual(
      found(inside, patients),
      patients.filter((word) => word !== 'Synthetic^Patient'),
    )
    assert.deepEqual(
      found(await readFile(rig.configFile, 'utf8'), secrets),
      secrets.filter((word) => word !== WRONG_PASSWORD),
    )
    assert.match(text, /"msg":"run started"[^]*"msg":"run ended"/)
    assert.match(text, /"route":"append"|"route":"finish"/)
    for (const { addresses, headers, secrets: given } of services) {
      assert.ok(addresses.length >= 2)
      assert.match([...addresses, ...headers].join(), /dicom_backup_|uploadType=resumable/)
      assert.ok(given.size >= 2, 'a token and a session were seen')
    }
    for (const args of [
      ['run'],
      ['run', '--dry-run'],
      ['run', '--dry-run', '--json'],
      ['doctor'],
      ['doctor', '--json'],
    ]) {
      const [command = '', ...rest] = args
      assertPrivate(one, await rig.cli(command, ...rest), args.join(' '))
    }
  })

  const failing: Record<
    string,
    { code: number; prepare: (one: Watched) => unknown; database?: Settings; sections?: Settings }
  > = {
    'a wrong database password': { code: 1, prepare: () => undefined, database: { password: WRONG_PASSWORD } },
    'a dump program that shows all it was given': {
      code: 1,
      prepare: async (one) => {
        const dumpCommand = path.join(one.rig.folder, 'talkative')
        const shows = `--version) echo 'mariadb-dump from 11.4.2-MariaDB, for ${PASSWORD}'; exit 0;; *=*) cat "\${one#*=}" >&2;;`
        await writeFile(dumpCommand, `#!/bin/sh\nfor one; do case $one in ${shows} esac; done\nexit 2\n`, {
          mode: 0o755,
        })
        const { socket } = server
        await one.configure({
          database: { socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer', dumpCommand },
        })
      },
    },
    'an unknown database': { code: 1, prepare: () => undefined, database: { name: 'nowhere' } },
    'signed out of both services': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.expireTokens()
        rig.drive.revoke(SECRETS.refreshToken)
      },
    },
    'full accounts': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.quotaBytes = 100
        rig.drive.quotaBytes = 100
      },
    },
    'a damaged copy': {
      code: 3,
      prepare: ({ rig }) => {
        rig.drive.faults.add({ route: 'final', fault: { kind: 'flip' } })
      },
    },
    'an upload session that is lost': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'session-gone' } })
        rig.drive.faults.add({ route: 'final', fault: { kind: 'session-gone' } })
      },
    },
    'a state folder that is a file': {
      code: 1,
      prepare: () => undefined,
      sections: { state: { dir: 'dicom-backup.yaml' } },
    },
    'an archive folder that is gone': {
      code: 1,
      prepare: ({ rig }) => rename(rig.root, path.join(rig.folder, 'moved')),
    },
    'a fault in the configuration': {
      code: 2,
      prepare: () => undefined,
      database: { pasword: PASSWORD, user: [PASSWORD] },
    },
    'a configuration that is no YAML': {
      code: 2,
      prepare: ({ rig }) => appendFile(rig.configFile, `\ndatabase: { password: "${PASSWORD}\n`),
    },
  }
  for (const [what, { code, prepare, database = {}, sections = {} }] of Object.entries(failing)) {
    test(`that a run says of ${what}`, async (t) => {
      const one = await watchedRig(t, server)
      const usual = { socket: server.socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer' }
      await one.configure({ ...sections, database: { ...usual, ...database } })
      await prepare(one)
      const result = await one.rig.cli('run')
      assert.equal(result.code, code, result.stdout + result.stderr)
      assertPrivate(one, result, 'run')
    })
  }

  test('that a run says of files that vanish while it goes on', async (t) => {
    const one = await watchedRig(t, server)
    const { rig } = one
    const dropbox = { name: 'dropbox', type: 'dropbox', folder: '/x', accessToken: SECRETS.dropboxToken }
    await one.configure({ archive: { compression: 'store' }, destinations: [dropbox] })
    await rig.put('0 first', 'x')
    await putZeros(rig, 'A filler', FILLER_BYTES)
    await putReadAhead(rig, 'B read ahead')
    await rig.put('Mustermann PAT-778899.dcm', 'x')
    const vanish = async (child: ChildProcess): Promise<void> => {
      await heldUp(rig, child)
      await rm(path.join(rig.root, 'Mustermann PAT-778899.dcm'))
      rig.dropbox.resume()
    }
    const result = await rig.cliWith({ onStart: (child) => void vanish(child) }, 'run')
    assert.equal(result.code, 3, result.stderr)
    assert.match(result.stdout, /1 {2}no longer there/)
    assertPrivate(one, result, 'run')
  })
})
