/** Faults that both services share, in each of them: items 48–58 of the conformance list. */

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { dropboxAnswers, driveAnswers, empty, html } from '../../../src/stages/stand-ins/index.ts'
import type { Fault } from '../../../src/stages/stand-ins/index.ts'
import { bytes, contentHash, drive, dropbox, md5, settles, UNIT, until } from './support.ts'
import { CONTENT, earlyStatus, finishes, PART, reset, SERVICES } from './uploads.ts'

for (const [service, start] of SERVICES) {
  const cuts: readonly [Extract<Fault, { kind: 'cut' }>, number][] = [
    [{ kind: 'cut', afterBytes: 0 }, 0],
    [{ kind: 'cut', afterBytes: UNIT + 1000, keep: 'none' }, 0],
    [{ kind: 'cut', afterBytes: UNIT + 1000, keep: 'some' }, service === 'Dropbox' ? UNIT / 2 + 500 : UNIT],
    [{ kind: 'cut', afterBytes: UNIT + 1000, keep: 'all' }, service === 'Dropbox' ? UNIT + 1000 : UNIT],
    [{ kind: 'cut', afterBytes: 2 * UNIT, keep: 'all' }, 2 * UNIT],
  ]
  for (const [fault, held] of cuts) {
    test(`48: ${service}: a connection cut after ${fault.afterBytes} bytes, ${fault.keep ?? 'none'} kept`, async (t) => {
      const upload = await start(t)
      upload.standIn.faults.add({ route: upload.routes.part, fault })
      await assert.rejects(upload.part(0, PART), reset)
      if (service === 'Dropbox' && fault.keep === 'some') assert.ok(Math.abs((await upload.held()) - held) <= UNIT)
      else assert.equal(await upload.held(), held)
      await finishes(upload)
    })
  }

  test(`48: ${service}: a client that breaks off in the middle of a part can go on`, async (t) => {
    const upload = await start(t)
    const abort = new AbortController()
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'stall', afterBytes: UNIT + 1000 } })
    const part = upload.part(0, PART, { signal: abort.signal })
    await until(() => upload.standIn.faults.unused().length === 0)
    assert.equal(await settles(part, 20), false)
    abort.abort()
    await assert.rejects(part, { name: 'AbortError' })
    assert.equal(await upload.held(), service === 'Dropbox' ? 0 : UNIT)
    await finishes(upload)
  })

  test(`49: ${service}: a failure before the commit changes nothing, one after it leaves everything done`, async (t) => {
    for (const kind of ['answer', 'lost'] as const) {
      for (const at of ['before-commit', 'after-commit'] as const) {
        const upload = await start(t)
        const fault: Fault = kind === 'answer' ? { kind, at, answer: empty(503) } : { kind, at }
        upload.standIn.faults.add({ route: upload.routes.part, fault })
        if (kind === 'answer') assert.equal((await upload.part(0, PART)).status, 503)
        else await assert.rejects(upload.part(0, PART), reset)
        assert.equal(await upload.held(), at === 'before-commit' ? 0 : PART.length)
        await finishes(upload)
      }
    }
  })

  test(`49: ${service}: a failure before the commit may keep the bytes nevertheless`, async (t) => {
    const upload = await start(t)
    const fault: Fault = { kind: 'answer', answer: empty(500), keep: 'all' }
    upload.standIn.faults.add({ route: upload.routes.last, fault })
    assert.equal((await upload.last(0, CONTENT)).status, 500)
    assert.deepEqual([await upload.held(), upload.standIn.objects().length], [CONTENT.length, 0])
  })

  test(`50: ${service}: an answer that never comes, before the body is read, before the commit and after it`, async (t) => {
    for (const at of ['arrival', 'before-commit', 'after-commit'] as const) {
      const upload = await start(t)
      upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'hang', at } })
      const abort = new AbortController()
      const part = upload.part(0, PART, { signal: abort.signal })
      await until(() => upload.standIn.faults.unused().length === 0)
      assert.equal(await settles(part, 20), false)
      // The client asks on another connection while the first still hangs.
      assert.equal(await upload.held(), at === 'after-commit' ? PART.length : 0)
      abort.abort()
      await assert.rejects(part)
      await finishes(upload)
    }
  })

  test(`50: ${service}: a body that is read at one byte a second does not end`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'slow', bytesPerSecond: 1 } })
    const abort = new AbortController()
    const part = upload.part(0, PART, { signal: abort.signal })
    await until(() => upload.standIn.faults.unused().length === 0)
    assert.equal(await settles(part, 50), false)
    assert.ok((upload.standIn.requests.latest(upload.routes.part)[0]?.bytes ?? 100) < 100)
    abort.abort()
    await assert.rejects(part)
    await finishes(upload)
  })

  test(`51: ${service}: an answer before the body is read, then the connection closes`, async (t) => {
    const answers =
      service === 'Dropbox'
        ? [dropboxAnswers.unauthorized('expired_access_token'), dropboxAnswers.rateLimited('json', 1), html(503)]
        : [driveAnswers.unauthorized(), driveAnswers.rateLimited('429'), html(503)]
    for (const answer of answers) {
      const upload = await start(t)
      upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'answer', at: 'arrival', answer } })
      assert.equal(await earlyStatus(upload, service), answer.status)
      assert.equal(upload.standIn.requests.latest(upload.routes.part)[0]?.bytes, 0)
      assert.equal(await upload.held(), 0)
      await finishes(upload)
    }
  })

  test(`52: ${service}: the upload is finished but its answer is lost`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.last, fault: { kind: 'lost', at: 'after-commit' } })
    await assert.rejects(upload.last(0, CONTENT), reset)
    assert.ok(upload.stored(CONTENT))
  })

  test(`52: ${service}: a finish takes as long as it is told to`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.last, fault: { kind: 'delay', ms: 400, at: 'after-commit' } })
    const last = upload.last(0, CONTENT)
    assert.equal(await settles(last, 200), false)
    assert.equal((await last).status, 200)
  })

  test(`53: ${service}: HTML, an empty body under a wrong type, JSON cut short`, async (t) => {
    const upload = await start(t)
    const { last } = upload.routes
    for (const answer of [html(502), empty(503)]) {
      upload.standIn.faults.add({ route: last, fault: { kind: 'answer', answer } })
      const reply = await upload.last(0, CONTENT)
      assert.deepEqual([reply.status, reply.json], [answer.status, undefined])
    }
    upload.standIn.faults.add({ route: last, fault: { kind: 'truncated' } })
    const reply = await upload.last(0, CONTENT)
    assert.deepEqual([reply.status, reply.json], [200, undefined])
    assert.match(reply.text, /^\{"/)
    assert.ok(upload.stored(CONTENT))
    assert.deepEqual(upload.standIn.faults.unused(), [])
  })

  test(`54: ${service}: a kept connection is gone when it is used again`, async (t) => {
    const upload = await start(t)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => {
      agent.destroy()
    })
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'idle-close' } })
    const before = upload.standIn.requests.count()
    assert.ok((await upload.part(0, PART, { agent })).status < 400)
    await assert.rejects(upload.part(PART.length, PART, { agent }), reset)
    assert.equal(upload.standIn.requests.count(), before + 1)
    assert.equal(await upload.held(), PART.length)
    await finishes(upload)
  })

  test(`55: ${service}: a session vanishes in the middle`, async (t) => {
    const upload = await start(t)
    await upload.part(0, PART)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'session-gone' } })
    assert.equal((await upload.part(PART.length, PART)).status, service === 'Dropbox' ? 409 : 404)
    assert.equal((await upload.last(PART.length, PART)).status, service === 'Dropbox' ? 409 : 404)
  })

  test(`55: ${service}: a session forgets what it had acknowledged`, async (t) => {
    const upload = await start(t)
    await upload.part(0, PART)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'forget', bytes: UNIT } })
    assert.equal((await upload.part(PART.length, PART)).status, service === 'Dropbox' ? 409 : 503)
    assert.equal(await upload.held(), UNIT)
    await finishes(upload)
  })

  test(`55: ${service}: the account fills up in the middle`, async (t) => {
    const upload = await start(t)
    await upload.part(0, PART)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'quota-full' } })
    assert.ok((await upload.part(PART.length, PART)).status < 400)
    const last = await upload.last(CONTENT.length, bytes(1))
    assert.match(last.text, service === 'Dropbox' ? /path\/insufficient_space/ : /storageQuotaExceeded/)
  })

  test(`55: ${service}: the token endpoint is down or slow while a session goes on`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add(
      { route: 'token', nth: 1, fault: { kind: 'answer', answer: html(503) } },
      { route: 'token', nth: 2, fault: { kind: 'delay', ms: 200 } },
    )
    const url = `${upload.standIn.origin}${service === 'Dropbox' ? '/oauth2/token' : '/token'}`
    const first = await fetch(url, { method: 'POST' })
    assert.deepEqual([first.status, (await first.text()).slice(0, 9)], [503, '<!DOCTYPE'])
    const second = fetch(url, { method: 'POST' })
    assert.equal(await settles(second, 100), false)
    assert.ok((await upload.part(0, PART)).status < 400)
    assert.ok((await second).status < 500)
    await finishes(upload)
  })

  test(`56: ${service}: one bit flips on its way into storage: the size is right, the hash is not`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'flip' } })
    await upload.part(0, PART)
    const rest = CONTENT.subarray(PART.length)
    assert.equal((await upload.last(PART.length, rest)).status, 200)
    assert.equal(upload.standIn.objects()[0]?.bytes, CONTENT.length)
    assert.equal(upload.stored(CONTENT), false)
    const damaged = Buffer.from(CONTENT)
    damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0)
    assert.equal(upload.stored(damaged), true)
  })

  test(`56: ${service}: a stored object rots`, async (t) => {
    const upload = await start(t)
    await upload.last(0, CONTENT)
    assert.ok(upload.stored(CONTENT))
    const [object] = upload.standIn.objects()
    await upload.standIn.flipByte(object!, CONTENT.length - 1)
    assert.equal(upload.standIn.objects()[0]?.bytes, CONTENT.length)
    assert.equal(upload.stored(CONTENT), false)
    await upload.standIn.flipByte(object!, CONTENT.length - 1)
    assert.ok(upload.stored(CONTENT))
  })

  test(`57: ${service}: a token is refused although it ought to be good`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.part, nth: 2, fault: { kind: 'expired' } })
    assert.ok((await upload.part(0, PART)).status < 400)
    const refused = await upload.part(PART.length, PART)
    assert.equal(refused.status, 401)
    assert.match(refused.text, service === 'Dropbox' ? /expired_access_token/ : /authError/)
    assert.equal((await upload.part(PART.length, PART)).status, 401)
  })

  test(`58: ${service}: a stand-in that stops reading holds the sender back, and goes on when it is let`, async (t) => {
    const upload = await start(t)
    upload.standIn.pause()
    const big = bytes(8 * 1024 * 1024)
    const part = upload.part(0, big)
    await until(() => upload.standIn.requests.count(upload.routes.part) === 1)
    assert.equal(await settles(part, 100), false)
    assert.equal(upload.standIn.requests.latest(upload.routes.part)[0]?.bytes, 0)
    upload.standIn.resume()
    assert.ok((await part).status < 400)
    assert.equal(await upload.held(), big.length)
  })

  test(`58: ${service}: a stand-in can stop reading in the middle of a body`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'slow', bytesPerSecond: 1_000_000 } })
    const part = upload.part(0, PART)
    const read = () => upload.standIn.requests.latest(upload.routes.part)[0]?.bytes ?? 0
    await until(() => read() > 0)
    upload.standIn.pause()
    // The chunk that was on its way when it paused is still taken.
    await settles(part, 150)
    const taken = read()
    await settles(part, 150)
    assert.deepEqual([read(), taken < PART.length], [taken, true])
    upload.standIn.resume()
    assert.ok((await part).status < 400)
    await finishes(upload)
  })
}

test('33: Google Drive: a chunk is answered, but only part of it is held', async (t) => {
  const { standIn, session, put } = await drive(t)
  standIn.faults.add({ route: 'chunk', fault: { kind: 'partial' } }, { route: 'final', fault: { kind: 'partial' } })
  const address = await session()
  assert.equal((await put(address, 0, PART)).headers.range, `bytes=0-${UNIT - 1}`)
  const rest = CONTENT.subarray(UNIT)
  assert.equal((await put(address, UNIT, rest, CONTENT.length)).headers.range, `bytes=0-${2 * UNIT - 1}`)
  assert.equal((await put(address, 2 * UNIT, CONTENT.subarray(2 * UNIT), CONTENT.length)).status, 200)
  assert.equal(standIn.objects()[0]?.digests['md5'], md5(CONTENT))
})

test('52: Dropbox: the data of a finish is taken, the file is not saved, and the second finish says where to go on', async (t) => {
  const { standIn, start, finish } = await dropbox(t)
  standIn.faults.add({ route: 'finish', fault: { kind: 'lost', at: 'before-commit', keep: 'all' } })
  const id = await start()
  await assert.rejects(finish(id, 0, '/a.zip', 'abc'), reset)
  assert.equal((await finish(id, 0, '/a.zip', 'abc')).at('error/lookup_failed/correct_offset'), 3)
  assert.equal((await finish(id, 3, '/a.zip')).at('content_hash'), contentHash(Buffer.from('abc')))
})
