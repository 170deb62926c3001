/** An upload to a service that another process takes up, in every state that a kill can leave it in. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { json } from '../../../src/stages/stand-ins/answer.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import * as dropbox from './dropbox-far-side.ts'
import { OBJECT, rejection, rejectsWith, startDropbox } from './dropbox-far-side.ts'
import * as drive from './google-drive-far-side.ts'
import { startDrive, UNIT } from './google-drive-far-side.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }
const whole = dropbox.sample(3 * UNIT + 5)
const nothingMore = { ...whole.commit(whole.data.length), tail: [] }

describe('Dropbox: an upload taken up', () => {
  for (const finishedSession of ['closed', 'not_found'] as const) {
    test(`after a finish without an answer finds the file and proves it (${finishedSession})`, async (t) => {
      const { standIn, destination, open } = await startDropbox(t, { finishedSession })
      const upload = await destination.begin(OBJECT, never)
      standIn.faults.add({ route: 'finish', fault: { kind: 'lost', at: 'after-commit' } })
      await rejection(upload.commit(whole.commit(0), never))
      await destination.close()
      const { upload: later } = await withRetry(open(), { policy }).resume(upload.token, 0, never)
      assert.equal(await later.held(never), whole.data.length)
      const stored = await later.commit(nothingMore, never)
      assert.equal(stored.digest, whole.contentHash)
      await later.abort()
      assert.deepEqual(
        standIn.objects().map(({ id }) => id),
        [stored.id],
      )
    })
  }

  test('whose session is gone while a file is there that is another takes it for nothing, and leaves it', async (t) => {
    for (const bytes of [whole.data.length, 100]) {
      const { standIn, destination, open } = await startDropbox(t)
      const foreign = await (await destination.begin(OBJECT, never)).commit(dropbox.sample(bytes).commit(0), never)
      const upload = await destination.begin(OBJECT, never)
      standIn.faults.add({ route: 'append', fault: { kind: 'session-gone' } })
      const { upload: later } = await open().resume(upload.token, 0, never)
      assert.equal(await later.held(never), bytes)
      await assert.rejects(later.append(bytes, whole.piece(0, 1000), never), { code: 'E_SESSION' })
      await rejectsWith('E_SESSION', 'restart', later.commit(nothingMore, never))
      await later.abort()
      assert.deepEqual(await destination.stat(OBJECT, never), foreign)
    }
  })

  test('whose session is gone, and no file there, starts again', async (t) => {
    const { standIn, destination, open } = await startDropbox(t)
    const upload = await destination.begin(OBJECT, never)
    await upload.append(0, whole.piece(0, UNIT), never)
    standIn.faults.add({ route: 'append', fault: { kind: 'session-gone' } })
    await rejectsWith('E_SESSION', 'restart', withRetry(open(), { policy }).resume(upload.token, UNIT, never))
  })

  test('and given up is ended once, whatever its session holds by then', async (t) => {
    for (const appended of [0, UNIT]) {
      const { standIn, destination } = await startDropbox(t)
      const upload = await destination.begin(OBJECT, never)
      if (appended > 0) await upload.append(0, whole.piece(0, appended), never)
      const before = standIn.requests.count('append')
      await upload.abort()
      await upload.abort()
      assert.equal(standIn.requests.count('append'), before + 1)
    }
    const { standIn, destination, open } = await startDropbox(t)
    const first = await destination.begin(OBJECT, never)
    const { upload: second } = await open().resume(first.token, 0, never)
    await second.append(0, whole.piece(0, UNIT), never)
    await first.abort()
    await rejectsWith('E_SESSION', 'restart', second.held(never))
    assert.equal(standIn.objects().length, 0)
  })

  test('given up while it is in doubt leaves no damaged archive, and no whole one goes', async (t) => {
    for (const flip of [true, false]) {
      const { standIn, destination } = await startDropbox(t, { storage: { folder: await tempFolder(t) } })
      const upload = await destination.begin(OBJECT, never)
      if (flip) standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
      await upload.append(0, whole.piece(0, UNIT), never)
      standIn.faults.add({ route: 'finish', fault: { kind: 'lost', at: 'after-commit' } })
      await rejection(upload.commit(whole.commit(UNIT), never))
      assert.equal(standIn.objects().length, 1)
      await upload.abort()
      assert.equal(standIn.objects().length, flip ? 0 : 1)
    }
  })

  test('giving up never rejects, and does nothing after a commit', async (t) => {
    const { standIn, destination } = await startDropbox(t)
    const done = await destination.begin(OBJECT, never)
    await done.commit(whole.commit(0), never)
    const before = standIn.requests.count()
    await done.abort()
    assert.equal(standIn.requests.count(), before)
    const upload = await destination.begin('b.zip', never)
    standIn.faults.add({ route: 'append', fault: { kind: 'lost' } })
    await upload.abort()
    const other = await destination.begin('c.zip', never)
    await destination.close()
    await other.abort()
  })
})

describe('Google Drive: an upload taken up', () => {
  const finished = async (destination: Destination, standIn: drive.FarSide['standIn']) => {
    const upload = await destination.begin('a.zip', never)
    standIn.faults.add({ route: 'final', fault: { kind: 'lost', at: 'after-commit' } })
    await drive.rejection(upload.commit(whole.commit(0), never))
    await destination.close()
    return upload
  }

  for (const session of ['there', 'gone'] as const) {
    for (const goneStatus of [404, 410] as const) {
      const start = (t: dropbox.Cleanup) => startDrive(t, { accessTokens: ['by-hand'], goneStatus })
      const forget = (standIn: drive.FarSide['standIn']): void => {
        if (session === 'gone') standIn.faults.add({ route: 'query', fault: { kind: 'session-gone' } })
      }

      test(`after a finish without an answer proves its file (session ${session}, ${goneStatus})`, async (t) => {
        const { standIn, destination, open } = await start(t)
        const upload = await finished(destination, standIn)
        forget(standIn)
        const other = open()
        const { upload: later } = await withRetry(other, { policy }).resume(upload.token, 0, never)
        assert.equal(await later.held(never), whole.data.length)
        const stored = await later.commit(nothingMore, never)
        assert.deepEqual(stored, await other.stat('a.zip', never))
        await later.abort()
        assert.equal(standIn.objects().length, 1)
      })

      test(`whose file was deleted since starts again (session ${session}, ${goneStatus})`, async (t) => {
        for (const how of ['DELETE', 'PATCH'] as const) {
          const { standIn, destination, open } = await start(t)
          const upload = await finished(destination, standIn)
          const { id } = standIn.objects()[0]!
          await fetch(`${standIn.origin}/drive/v3/files/${id}`, {
            method: how,
            headers: { authorization: 'Bearer by-hand' },
            ...(how === 'PATCH' && { body: JSON.stringify({ trashed: true }) }),
          })
          forget(standIn)
          const other = open()
          const taken = async (): Promise<unknown> =>
            (await other.resume(upload.token, 0, never)).upload.commit(nothingMore, never)
          await drive.rejectsWith('E_SESSION', 'restart', taken())
          assert.equal(await other.stat('a.zip', never), null)
        }
      })

      test(`and given up leaves no file that nobody verified (session ${session}, ${goneStatus})`, async (t) => {
        const { standIn, destination, open } = await start(t)
        const foreign = await (await destination.begin('a.zip', never)).commit(drive.sample(9).commit(0), never)
        const upload = await finished(destination, standIn)
        forget(standIn)
        const { upload: later } = await open().resume(upload.token, 0, never)
        // Ending the session fails; that is no reason to leave the file.
        standIn.faults.add({ route: 'cancel', fault: { kind: 'lost', at: 'arrival' } })
        await later.abort()
        assert.deepEqual(
          standIn.objects().map(({ id }) => id),
          [foreign.id],
        )
      })
    }
  }

  test('whose answer names no size asks the file for it', async (t) => {
    const { standIn, destination, open } = await startDrive(t)
    const upload = await finished(destination, standIn)
    const { fileId: id } = JSON.parse(upload.token) as { fileId: string }
    const bare = json(200, { id, name: 'a.zip' })
    standIn.faults.add({ route: 'query', nth: 'every', fault: { kind: 'answer', answer: bare, at: 'after-commit' } })
    const { upload: later } = await open().resume(upload.token, 0, never)
    assert.equal(await later.held(never), whole.data.length)
  })

  test('never makes a second file, whatever is repeated', async (t) => {
    const { standIn, destination, open } = await startDrive(t)
    const first = await destination.begin('a.zip', never)
    for (let n = 0; n < 3; n += 1) {
      const { upload: again } = await open().resume(first.token, 0, never)
      const held = await again.held(never)
      await again.commit({ ...whole.commit(held) }, never)
    }
    await first.commit(nothingMore, never)
    assert.equal(standIn.objects().length, 1)
  })
})
