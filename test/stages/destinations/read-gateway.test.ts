/** Reading an archive back through something that is not quite the service: a gateway, a proxy, a cache. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type http from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination, StoredObject } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { openDestination } from '../../../src/stages/destinations/open.ts'
import type { DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import type { GoogleDriveConfig } from '../../../src/stages/destinations/google-drive/settings.ts'
import { httpServer } from '../http/servers.ts'
import { readAll, rejects } from './reading.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }
const MIB = 1024 * 1024

const services: Record<string, DropboxConfig | GoogleDriveConfig> = {
  Dropbox: {
    type: 'dropbox',
    name: 'hospital-dropbox',
    folder: '/DICOM_Backups',
    chunkSize: null,
    accessToken: 'token',
    refreshToken: null,
    appKey: null,
    appSecret: null,
  },
  'Google Drive': {
    type: 'google-drive',
    name: 'hospital-drive',
    folder: 'DICOM_Backups',
    chunkSize: null,
    oauth: { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: 'refresh' },
    credentialsFile: null,
  },
}

for (const [service, config] of Object.entries(services)) {
  describe(`${service} behind a gateway`, () => {
    /** A gateway in place of the service that answers downloads as the test says. */
    const gateway = async (t: TestContext, answer: http.RequestListener): Promise<Destination> => {
      const server = await httpServer(t, (request, response) => {
        if (!request.url?.endsWith('/token')) {
          request.resume()
          answer(request, response)
          return
        }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ access_token: 'token', expires_in: 3600, token_type: 'Bearer' }))
      })
      const destination = openDestination(config, { dropbox: server.origin, 'google-drive': server.origin })
      t.after(() => destination.close())
      return destination
    }
    const object: StoredObject = { id: 'id:1', path: '/x/a.zip', bytes: 1000, digest: null }
    const bytes = randomBytes(1000)

    test('a gateway that ignores ranges is not taken at its word', async (t) => {
      for (const withLength of [true, false]) {
        const destination = await gateway(t, (_, response) => {
          if (withLength) response.setHeader('content-length', 1000)
          else response.flushHeaders()
          response.end(bytes)
        })
        assert.ok((await readAll(destination, object)).equals(bytes))
        assert.ok((await readAll(destination, object, 0, 10)).equals(bytes.subarray(0, 10)))
        const error = await rejects('E_DESTINATION', 'stop', readAll(destination, object, 1))
        assert.match(error.message, /the whole archive was sent instead of the requested range/)
      }
    })

    test('another range than the one asked for is not taken for it', async (t) => {
      for (const contentRange of ['bytes 0-999/1000', 'bytes 11-999/1000', 'bytes 10-x', '', 'items 10-999/1000']) {
        const destination = await gateway(t, (_, response) => {
          response.writeHead(206, contentRange === '' ? {} : { 'content-range': contentRange })
          response.end(bytes)
        })
        await rejects('E_DESTINATION', 'retry', readAll(destination, object, 10))
      }
    })

    test('an answer of fewer bytes than were asked for is for asking again, of more is cut', async (t) => {
      let given = 0
      const destination = await gateway(t, (request, response) => {
        const [, from] = /^bytes=(\d+)-/.exec(String(request.headers.range)) ?? []
        const end = Math.min(Number(from) + given, 1000)
        response.writeHead(206, { 'content-range': `bytes ${String(from)}-${end - 1}/1000` })
        response.end(bytes.subarray(Number(from), end))
      })
      given = 300
      const error = await rejects('E_DESTINATION', 'retry', readAll(destination, object))
      assert.match(error.message, /ended 700 bytes early/)
      assert.ok((await readAll(withRetry(destination, { policy }), object)).equals(bytes))
      given = 900
      assert.ok((await readAll(destination, object, 50, 60)).equals(bytes.subarray(50, 60)))
    })

    test('a reader that stops early ends the connection, and what nobody reads is not fetched', async (t) => {
      const huge = { ...object, bytes: 1024 * MIB }
      let sent = 0
      const closed: Promise<unknown>[] = []
      const destination = await gateway(t, (_, response) => {
        closed.push(once(response, 'close'))
        response.writeHead(206, { 'content-range': `bytes 0-${huge.bytes - 1}/${huge.bytes}` })
        const more = (): void => {
          while (!response.destroyed) {
            sent += MIB
            if (!response.write(Buffer.alloc(MIB))) {
              response.once('drain', more)
              return
            }
          }
        }
        more()
      })
      for (const stop of ['break', 'throw', 'return'] as const) {
        sent = 0
        const reading = destination.read(huge, { from: 0, to: huge.bytes }, never)
        if (stop === 'return') {
          await reading.next()
          await sleep(100)
          await reading.return(undefined)
        } else {
          const failing = (async () => {
            for await (const _ of reading) {
              await sleep(100)
              if (stop === 'break') break
              throw new Error('enough')
            }
          })()
          if (stop === 'throw') await assert.rejects(failing, { message: 'enough' })
          else await failing
        }
        await closed.at(-1)
        assert.ok(sent < 32 * MIB, `${sent / MIB} MiB`)
      }
      assert.equal(closed.length, 3)
    })
  })
}
