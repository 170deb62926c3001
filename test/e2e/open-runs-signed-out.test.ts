/** A destination that fails for longer, and runs for some destinations only. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { RunState } from '../../src/pipeline/journal/run-record.ts'
import { listOpenRuns } from '../../src/stages/backup/open-runs.ts'
import { SECRETS, type Rig } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'
import {
  DRIVE,
  DROPBOX,
  mustBeDone,
  mustBeOver,
  openRuns,
  REQUEST_BYTES,
  REQUESTS,
  scenarioRig,
} from '../support/scenario.ts'
import { requestsOf } from '../support/small-rig.ts'
import { stopWhen } from '../support/stopped-run.ts'
import { READERS } from '../support/zip-readers.ts'

const usual = requestsOf({ dropbox: REQUEST_BYTES, drive: REQUEST_BYTES, nas: REQUEST_BYTES })
const [dropbox = {}, ...others] = usual['destinations'] as readonly Record<string, unknown>[]

/** With a Dropbox token that was revoked. */
const signedOut = { destinations: [{ ...dropbox, accessToken: 'sl.revoked-token-000000000' }, ...others] }

async function mustBeWhole(rig: Rig, counts: readonly [dropbox: number, drive: number, nas: number]): Promise<void> {
  const names = await readdir(rig.nas)
  assert.deepEqual([rig.dropbox.objects().length, rig.drive.objects().length, names.length], counts)
  for (const name of names) await READERS['unzip']?.(`${rig.nas}/${name}`)
}

describe('a destination that is signed out for several runs', () => {
  test('costs the others no backup; it is told what it lacks, and gets it when it is signed in again', async (t) => {
    const rig = await scenarioRig(t, signedOut)
    const first = await runHere(rig)
    assert.deepEqual([first.code, first.of(DROPBOX).error?.code], [3, 'E_AUTH'])
    await mustBeWhole(rig, [0, 1, 1])
    for (const n of [2, 3]) {
      const again = await runHere(rig)
      assert.equal(again.code, 3, JSON.stringify(again.result))
      assert.equal(again.result.resumed, false, 'the others have a new backup')
      assert.equal(again.result.destinations.length, 3)
      assert.deepEqual([again.of(DROPBOX).status, again.of(DROPBOX).error?.code], ['failed', 'E_AUTH'])
      assert.match(
        again.of(DROPBOX).error?.message ?? '',
        /App key of your Dropbox app does not: dicom-backup accounts connect hospital-dropbox --app-key KEY/,
      )
      assert.equal(again.of(DRIVE).status, 'completed')
      await mustBeWhole(rig, [0, n, n])
      const open = await listOpenRuns(rig.state)
      assert.deepEqual(
        open.map(({ archive }) => archive),
        [first.result.archive?.name],
        'one run is open, the first',
      )
    }
    await rig.configure(usual)
    const back = await runHere(rig)
    assert.equal(back.code, 0, JSON.stringify(back.result))
    assert.deepEqual([back.result.resumed, back.result.archive], [true, first.result.archive])
    assert.deepEqual(
      back.result.destinations.map(({ bytesSent }) => bytesSent),
      [back.result.archive?.bytes, 0, 0],
    )
    await mustBeWhole(rig, [1, 3, 3])
    await mustBeOver(rig)
    await runHere(rig)
    await mustBeWhole(rig, [2, 4, 4])
  })

  test('at which nothing but it is wanted fails each time, exit 1, and keeps one run', async (t) => {
    const rig = await scenarioRig(t, signedOut)
    await runHere(rig)
    for (let n = 0; n < 2; n += 1) {
      const again = await runHere(rig, { only: [DROPBOX] })
      assert.deepEqual([again.code, again.of(DROPBOX).error?.code], [1, 'E_AUTH'], JSON.stringify(again.result))
      assert.equal((await listOpenRuns(rig.state)).length, 1)
    }
    await mustBeWhole(rig, [0, 1, 1])
  })
})

describe('--destination, with a run that is open', () => {
  test('for the one that lacks it completes the run', async (t) => {
    const rig = await scenarioRig(t, signedOut)
    const first = await runHere(rig)
    await rig.configure(usual)
    const here = await runHere(rig, { only: [DROPBOX] })
    assert.deepEqual([here.code, here.result.resumed, here.result.archive], [0, true, first.result.archive])
    assert.deepEqual(
      here.result.destinations.map(({ name }) => name),
      [DROPBOX],
    )
    await mustBeWhole(rig, [1, 1, 1])
    await mustBeOver(rig)
  })

  test('for another one makes it a new backup, and leaves the run open for the one that lacks it', async (t) => {
    const rig = await scenarioRig(t, signedOut)
    const first = await runHere(rig)
    const here = await runHere(rig, { only: ['nas'] })
    assert.deepEqual([here.code, here.result.resumed], [0, false], JSON.stringify(here.result))
    await mustBeWhole(rig, [0, 1, 2])
    assert.deepEqual(
      (await listOpenRuns(rig.state)).map(({ archive }) => archive),
      [first.result.archive?.name],
    )
    await rig.configure(usual)
    const all = await runHere(rig)
    assert.deepEqual([all.code, all.result.archive], [0, first.result.archive], JSON.stringify(all.result))
    await mustBeWhole(rig, [1, 1, 2])
    await mustBeOver(rig)
  })

  test('for some of those that a stopped run was for brings it there; the next run to the rest', async (t) => {
    const rig = await scenarioRig(t)
    rig.dropbox.faults.add({
      ...REQUESTS.dropbox['the first request'],
      fault: { kind: 'slow', bytesPerSecond: 4 << 20 },
    })
    rig.drive.faults.add({ ...REQUESTS.drive['the first request'], fault: { kind: 'slow', bytesPerSecond: 4 << 20 } })
    const begun = await stopWhen(rig, ({ destinations }) => destinations.every(({ sent }) => sent > 0))
    assert.equal(begun.code, 130)
    const some = await runHere(rig, { only: [DROPBOX, 'nas'] })
    assert.deepEqual([some.code, some.result.resumed], [0, true], JSON.stringify(some.result))
    assert.equal((await listOpenRuns(rig.state)).length, 1)
    const rest = await runHere(rig)
    await mustBeDone(rig, rest)
    assert.deepEqual([rest.result.resumed, rest.result.archive], [true, some.result.archive])
  })
})

test('resume, with no run open, has nothing to do; with one, completes it and makes no other', async (t) => {
  const rig = await scenarioRig(t, signedOut)
  const none = await runHere(rig, { mode: 'resume' })
  assert.deepEqual([none.code, none.result.status, none.result.runId], [0, 'skipped', null])
  const first = await runHere(rig)
  const still = await runHere(rig, { mode: 'resume' })
  assert.deepEqual([still.code, still.result.resumed, still.result.archive], [3, true, first.result.archive])
  await mustBeWhole(rig, [0, 1, 1])
  await rig.configure(usual)
  const here = await runHere(rig, { mode: 'resume' })
  await mustBeDone(rig, here)
  assert.deepEqual([here.result.resumed, here.result.archive], [true, first.result.archive])
})

/** The id of the session that a run has begun at Dropbox. */
async function dropboxSession(rig: Rig): Promise<string> {
  const [folder = ''] = await openRuns(rig)
  const { token } = (await RunState.read(path.join(folder, 'journal'))).upload(DROPBOX)
  return (JSON.parse(token ?? '{}') as { readonly id: string }).id
}

/** What Dropbox says to an append of nothing. */
async function appendTo(rig: Rig, session: string): Promise<string> {
  const argument = { cursor: { session_id: session, offset: 0 } }
  const answer = await fetch(`${rig.dropbox.origin}/2/files/upload_session/append_v2`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${SECRETS.dropboxToken}`,
      'content-type': 'application/octet-stream',
      'dropbox-api-arg': JSON.stringify(argument),
      'x-forwarded-host': 'content.dropboxapi.com',
    },
  })
  return await answer.text()
}

test('run --fresh ends the session at Dropbox, cancels the one at Drive and removes the partial file', async (t) => {
  const rig = await scenarioRig(t)
  rig.drive.faults.add({ ...REQUESTS.drive['the first request'], fault: { kind: 'slow', bytesPerSecond: 4 << 20 } })
  rig.dropbox.faults.add({ ...REQUESTS.dropbox['the first request'], fault: { kind: 'slow', bytesPerSecond: 4 << 20 } })
  const begun = await stopWhen(rig, ({ destinations }) => destinations.every(({ sent }) => sent > 0))
  assert.equal(begun.code, 130)
  const session = await dropboxSession(rig)
  assert.match(await appendTo(rig, session), /incorrect_offset/, 'it takes bytes')
  const here = await runHere(rig, { mode: 'fresh' })
  assert.match(await appendTo(rig, session), /closed/, 'it takes none any more')
  assert.equal(rig.drive.requests.count('cancel'), 1)
  assert.deepEqual([here.code, here.result.resumed], [0, false], JSON.stringify(here.result))
  assert.deepEqual(
    (await rig.visible()).filter((name) => name.endsWith('.partial')),
    [],
  )
  await mustBeOver(rig)
})
