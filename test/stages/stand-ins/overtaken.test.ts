/** An upload belongs to its newest request, in each of the services. */
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { bytes, UNIT, until } from './support.ts'
import { CONTENT, finishes, PART, SERVICES } from './uploads.ts'

for (const [service, start] of SERVICES) {
  test(`${service}: what still comes in on an older request is not written`, async (t) => {
    const upload = await start(t)
    const { part } = upload.routes
    upload.standIn.faults.add({ route: part, fault: { kind: 'slow', bytesPerSecond: 2_000_000 } })
    const old = upload.part(0, bytes(PART.length)).catch((error: unknown) => error)
    await until(() => (upload.standIn.requests.latest(part)[0]?.bytes ?? 0) > 0)
    // All of it anew, so that whatever the older one has left is skipped by neither service.
    upload.standIn.faults.add({ route: part, fault: { kind: 'forget', bytes: 0 } })
    assert.ok((await upload.part(0, PART)).status < 400)
    assert.ok((await old) instanceof Error)
    await finishes(upload)
  })

  test(`${service}: an upload ends where it says, whatever was written past that before`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.last, fault: { kind: 'forget', bytes: 0 } })
    await upload.part(0, CONTENT)
    assert.equal((await upload.last(0, bytes(10))).status, 200)
    assert.equal((await stat(upload.standIn.objects()[0]?.file ?? '')).size, 10)
  })

  test(`${service}: the newest request owns the upload: an older one that comes to life again changes nothing`, async (t) => {
    const upload = await start(t)
    upload.standIn.faults.add({ route: upload.routes.part, fault: { kind: 'delay', ms: 300 } })
    const old = upload.part(0, PART).then(
      () => 'answered',
      () => 'cut',
    )
    await until(() => upload.standIn.faults.unused().length === 0)
    assert.ok((await upload.part(0, PART)).status < 400)
    assert.ok((await upload.part(PART.length, CONTENT.subarray(PART.length))).status < 400)
    assert.equal(await old, 'cut')
    assert.equal(await upload.held(), CONTENT.length)
    await upload.last(CONTENT.length - UNIT, CONTENT.subarray(-UNIT))
  })
}
