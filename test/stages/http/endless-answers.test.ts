/** A far side whose answer never ends: it costs neither the memory nor the time of whoever asked. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import type { Destination, StoredObject } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { exchangeCode } from '../../../src/stages/accounts/exchange-code.ts'
import { consentOf } from '../../../src/stages/accounts/consent.ts'
import { dropboxDestination } from '../../../src/stages/destinations/dropbox/dropbox.ts'
import { DROPBOX_ORIGINS } from '../../../src/stages/destinations/dropbox/settings.ts'
import { kinds } from '../../../src/stages/destinations/kinds.ts'
import { googleDriveDestination } from '../../../src/stages/destinations/google-drive/google-drive.ts'
import { createTransport } from '../../../src/stages/http/transport.ts'
import type { Transport } from '../../../src/stages/http/types.ts'
import { httpServer } from './servers.ts'

const MIB = 1024 * 1024
const never = new AbortController().signal
const OBJECT: StoredObject = { id: 'id:abc', path: '/a.zip', bytes: 100 * MIB, digest: null }
const ORIGINS = [...DROPBOX_ORIGINS, 'https://www.googleapis.com', 'https://oauth2.googleapis.com']

type How = 'endless' | 'trickling'

interface FarSide {
  readonly transport: Transport
  /** Bytes of answers that left the server. */
  written: number
}

/** Answers every request with this status and a JSON text that never ends, except where `first` has answered it. */
async function farSide(
  t: TestContext,
  how: How,
  status: number,
  first: (request: IncomingMessage, answer: ServerResponse) => boolean = () => false,
): Promise<FarSide> {
  const chunk = Buffer.alloc(how === 'endless' ? 64 * 1024 : 1, 'x')
  const server = await httpServer(t, (request, answer) => {
    request.resume()
    if (first(request, answer)) return
    answer.writeHead(status, { 'Content-Type': 'application/json' })
    const send = (): void => {
      if (answer.destroyed) return
      far.written += chunk.length
      if (how === 'trickling') setTimeout(send, 10)
      if (answer.write(chunk) && how === 'endless') setImmediate(send)
    }
    if (how === 'endless') answer.on('drain', send)
    answer.write('{"a":"')
    send()
  })
  const origins = Object.fromEntries(ORIGINS.map((origin) => [origin, server.origin]))
  // Each limit alone: the other would hide that one is missing.
  const limits = how === 'endless' ? { answerBytes: MIB } : { wholeMs: 150 }
  const transport = createTransport({ origins, ...limits })
  t.after(() => {
    transport.close()
  })
  const far: FarSide = { transport, written: 0 }
  return far
}

const KIND = { endless: 'oversized', trickling: 'unending' } as const
const WORDS = { endless: /is larger than expected/, trickling: /did not end in time/ } as const

const isToken = (request: IncomingMessage, answer: ServerResponse): boolean => {
  if (request.url !== '/token' && request.url !== '/oauth2/token') return false
  answer.end(JSON.stringify({ access_token: 'token-1', expires_in: 3600, token_type: 'Bearer' }))
  return true
}

const dropbox = ({ transport }: FarSide, renewable = false): Destination =>
  dropboxDestination(
    {
      type: 'dropbox',
      name: 'cloud',
      chunkSize: null,
      folder: '/DICOM_Backups',
      accessToken: renewable ? null : 'token-1',
      refreshToken: renewable ? 'refresh-1' : null,
      appKey: renewable ? 'app-key' : null,
      appSecret: null,
    },
    { transport },
  )

const drive = ({ transport }: FarSide): Destination =>
  googleDriveDestination(
    {
      type: 'google-drive',
      name: 'cloud',
      chunkSize: null,
      folder: 'DICOM_Backups',
      oauth: { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: 'refresh-1' },
      credentialsFile: null,
    },
    { transport },
  )

const readAll = async (source: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of source);
}

const CALLS: Record<string, (destination: Destination) => Promise<unknown>> = {
  'the sign-in': (destination) => destination.signIn(never),
  'the beginning of an upload': (destination) => destination.begin('a.zip', never),
  'a look for an object': (destination) => destination.stat('a.zip', never),
  'a listing': (destination) => readAll(destination.list(never)),
  'a deletion': (destination) => destination.remove(OBJECT, never),
}

async function mustEnd(call: Promise<unknown>, how: How, far: FarSide, what: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof BackupError, what)
    assert.equal(error.code, 'E_DESTINATION', what)
    assert.match(error.message, WORDS[how], what)
    return true
  })
  assert.ok(far.written < 16 * MIB, `${what}: ${far.written} bytes were taken`)
}

describe('an answer without end', () => {
  for (const how of ['endless', 'trickling'] as const) {
    test(`${how}, of any status, fails the reading of it`, async (t) => {
      for (const status of [200, 308, 401, 409, 503]) {
        const far = await farSide(t, how, status)
        const reading = far.transport.fetch('https://www.googleapis.com/x').then((answer) => answer.text())
        await assert.rejects(reading, { kind: KIND[how] })
        assert.ok(far.written < 16 * MIB)
      }
    })

    test(`${how}, fails every call to Dropbox, whatever its status`, async (t) => {
      for (const status of [200, 401, 409]) {
        for (const [what, call] of Object.entries(CALLS)) {
          const far = await farSide(t, how, status)
          await mustEnd(call(dropbox(far)), how, far, `${what}, ${status}`)
        }
      }
      const far = await farSide(t, how, 200)
      await mustEnd(dropbox(far, true).signIn(never), how, far, 'the renewal of a token')
    })

    test(`${how}, fails every call to Google Drive, whatever its status`, async (t) => {
      for (const status of [200, 401, 403]) {
        for (const [what, call] of Object.entries(CALLS)) {
          const far = await farSide(t, how, status, isToken)
          await mustEnd(call(drive(far)), how, far, `${what}, ${status}`)
        }
      }
      const far = await farSide(t, how, 200)
      await mustEnd(drive(far).signIn(never), how, far, 'the token')
    })

    test(`${how}, fails the exchange of a code for a sign-in`, async (t) => {
      const providers = kinds().flatMap(({ signIn }) => signIn?.oauth?.provider ?? [])
      assert.equal(providers.length, 2)
      for (const provider of providers) {
        const far = await farSide(t, how, 200)
        const consent = consentOf(provider, 'client-id', 'http://127.0.0.1:4711/')
        const app = { name: 'cloud', provider, clientId: 'client-id', clientSecret: 'client-secret' }
        const { transport } = far
        await mustEnd(exchangeCode(app, consent, 'code', { transport, signal: never }), how, far, provider.title)
      }
    })

    test(`${how}, in the place of an archive's bytes fails the download`, async (t) => {
      for (const open of [dropbox, drive]) {
        const far = await farSide(t, how, 409, isToken)
        await mustEnd(readAll(open(far).read(OBJECT, { from: 0, to: 10 }, never)), how, far, open.name)
      }
    })
  }

  test('that is the archive itself ends where the range does, however long that takes', async (t) => {
    for (const open of [dropbox, drive]) {
      const far = await farSide(t, 'trickling', 206, (request, answer) => {
        if (isToken(request, answer)) return true
        answer.setHeader('Content-Range', `bytes 0-39/${OBJECT.bytes}`)
        return false
      })
      let bytes = 0
      for await (const chunk of open(far).read(OBJECT, { from: 0, to: 40 }, never)) bytes += chunk.length
      assert.equal(bytes, 40)
    }
  })
})
