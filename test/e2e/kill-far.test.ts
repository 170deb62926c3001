/** Killed while several requests to a far service are under way, a run goes on: nobody but it knows which arrived. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRig, SECRETS, type Rig } from '../support/rig.ts'

const MIB = 1 << 20
const REQUEST_BYTES = 4 * MIB
const FILES = 5
/** Longer than a request of the same machine takes, so that it is taken for far. */
const LATENCY_MS = 120

async function farRig(t: Parameters<typeof makeRig>[0]): Promise<Rig> {
  const dropbox = {
    name: 'hospital-dropbox',
    type: 'dropbox',
    folder: '/DICOM_Backups',
    accessToken: SECRETS.dropboxToken,
    chunkSize: REQUEST_BYTES,
  }
  const sections = { destinations: [dropbox, { name: 'nas', type: 'local', folder: 'nas' }] }
  const rig = await makeRig(t, { ...sections, archive: { compression: 'store' } }, {}, { latencyMs: LATENCY_MS })
  for (let n = 0; n < FILES; n += 1) await rig.put(`file ${n}`, randomBytes(5 * MIB + n))
  return rig
}

/** Starts a run and kills it as soon as so many requests of a route have come to Dropbox. */
async function killedAt(rig: Rig, route: 'append' | 'finish', count: number): Promise<void> {
  let watching: Promise<void> = Promise.resolve()
  const { code } = await rig.cliWith(
    {
      onStart: (child) => {
        watching = (async () => {
          while (rig.dropbox.requests.count(route) < count && child.exitCode === null) await sleep(2)
          child.kill('SIGKILL')
        })()
      },
    },
    'run',
  )
  await watching
  assert.equal(code, null, 'killed before its end')
}

/** Bytes of the pieces that came to Dropbox. */
function received(rig: Rig): number {
  return rig.dropbox.requests.latest('append').reduce((sum, { bytes }) => sum + bytes, 0)
}

for (const [route, count] of [
  ['append', 2],
  ['append', 5],
  ['append', 7],
  ['finish', 1],
] as const) {
  test(`killed at ${route} ${count}, the next run sends again no more than was under way, and makes the archive whole`, async (t) => {
    const rig = await farRig(t)
    await killedAt(rig, route, count)
    // What the killed one had sent is still read.
    await rig.dropbox.idle()
    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
    const { archive, resumed } = result
    assert.ok(archive)
    assert.equal(resumed, true)
    const stored = rig.dropbox.objects().map(({ file }) => file ?? '')
    assert.equal(stored.length, 1)
    const nas = await readFile(path.join(rig.nas, archive.name))
    assert.ok((await readFile(stored[0] ?? '')).equals(nas), 'the same everywhere')
    const again = received(rig) - archive.bytes
    assert.ok(again >= 0 && again <= 3 * REQUEST_BYTES, `${again} bytes sent again`)
    assert.equal(
      rig.dropbox.requests.count('start'),
      2,
      'the one that judged the line, and the one that was gone on with',
    )
  })
}
