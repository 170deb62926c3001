/** One study of a large archive at Google Drive: little more than the study is fetched. */
import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import { syntheticInstance } from '../../src/stages/demo/synthetic-dicom.ts'
import { makeRig } from '../support/rig.ts'

const STUDIES = 50
const FILES = 5000
const MB = 1_000_000

/** Stands between the program and a service, and counts the bytes of the answers' bodies. */
async function counting(
  t: TestContext,
  origin: string,
): Promise<{ readonly origin: string; readonly bytes: () => number }> {
  let bytes = 0
  const server = createServer((incoming, outgoing) => {
    const { method, url = '/', headers } = incoming
    const onward = request(new URL(url, origin), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: () => bytes }
}

test('one study of a 2 GB archive of 5,000 files is fetched for its own bytes and 3 MB at the most', async (t) => {
  const rig = await makeRig(t)
  const destinations = [
    {
      name: 'hospital-drive',
      type: 'google-drive',
      folder: 'DICOM_Backups',
      oauth: {
        clientId: 'client-id',
        clientSecret: 'GOCSPX-test-client-secret-2718281',
        refreshToken: '1//test-refresh-token-1618033',
      },
    },
  ]
  await rig.configure({ destinations })
  for (let study = 0; study < STUDIES; study += 1) {
    const options = { patient: 1, study, series: 1, instance: 1, rows: 512, columns: 800 } as const
    const instance = syntheticInstance({ ...options, modality: 'US', pixels: 'compressed' })
    for (let n = 0; n < FILES / STUDIES; n += 1) {
      // Bytes of the preamble, which are anyone's.
      instance.writeUInt32LE(n, 0)
      await rig.put(`${study}/${n}.dcm`, instance)
    }
  }
  const { result } = await rig.run()
  assert.ok((result.archive?.bytes ?? 0) > 1900 * MB, JSON.stringify(result))
  const listed = JSON.parse((await rig.cli('restore', '--list', '--json')).stdout) as {
    readonly studies: readonly { readonly studyUid: string }[]
  }
  const uid = listed.studies[17]?.studyUid ?? ''

  const between = await counting(t, rig.drive.origin)
  await rig.configure({ destinations, endpoints: { 'google-drive': between.origin } })
  const { code, stdout } = await rig.cli('restore', '--study', uid, '--to', `${rig.folder}/restored`, '--json')
  assert.equal(code, 0, stdout)
  const restored = JSON.parse(stdout) as RestoreResult
  assert.equal(restored.files, FILES / STUDIES)
  const more = between.bytes() - restored.bytes
  t.diagnostic(`${between.bytes()} bytes fetched for a study of ${restored.bytes}, ${more} more`)
  assert.ok(more < 3 * MB, `${more} bytes more than the study`)
})
