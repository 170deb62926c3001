/** Both stand-ins in a process of their own. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { CREDENTIALS } from '../../../src/stages/stand-ins/serve.ts'
import { asciiJson, call, temporaryFolder } from './support.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../../src/stages/stand-ins/serve.ts')

async function serve(
  t: TestContext,
  ...args: string[]
): Promise<{ child: ChildProcess; dropbox: string; googleDrive: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ...(JSON.parse(line) as { dropbox: string; googleDrive: string }) }
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

async function signIn(url: string, client: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', ...client }).toString()
  return (await call(url, { body })).at('access_token') as string
}

test('one line tells both origins, which take the credentials of the program, until stdin ends', async (t) => {
  const { child, dropbox, googleDrive } = await serve(t, '--folder', await temporaryFolder(t), '--latency-ms', '1')
  const { appKey, refreshToken, clientId, clientSecret } = { ...CREDENTIALS.dropbox, ...CREDENTIALS.googleDrive }
  const fields = { refresh_token: refreshToken }
  const one = await signIn(`${dropbox}/oauth2/token`, { ...fields, client_id: appKey })
  const space = await call(`${dropbox}/2/users/get_space_usage`, { headers: { authorization: `Bearer ${one}` } })
  assert.equal(space.at('used'), 0)
  const two = await signIn(`${googleDrive}/token`, { ...fields, client_id: clientId, client_secret: clientSecret })
  const about = { method: 'GET', headers: { authorization: `Bearer ${two}` } }
  assert.equal((await call(`${googleDrive}/drive/v3/about?fields=storageQuota`, about)).status, 200)
  child.stdin?.end()
  assert.equal(await ended(child), 0)
})

test('it ends on SIGTERM too', { skip: process.platform === 'win32' && 'Windows has no SIGTERM' }, async (t) => {
  const { child } = await serve(t, '--discard')
  child.kill('SIGTERM')
  assert.equal(await ended(child), 0)
})

test('it wants to know where bytes go', async () => {
  for (const args of [[], ['--discard', '--folder', 'x'], ['--discard', '--latency-ms', 'soon']]) {
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'ignore' })
    assert.equal(await ended(child), 1)
  }
})

test('its memory does not grow with what it takes', async (t) => {
  const { child, dropbox } = await serve(t, '--discard')
  const { appKey, refreshToken } = CREDENTIALS.dropbox
  const token = await signIn(`${dropbox}/oauth2/token`, { refresh_token: refreshToken, client_id: appKey })
  const send = (route: string, argument: object, body: Buffer | string = '') => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/octet-stream',
      'dropbox-api-arg': asciiJson(argument),
    }
    return call(`${dropbox}/2/files/upload_session/${route}`, { headers, body })
  }
  const session_id = (await send('start', {})).at('session_id')
  const part = Buffer.alloc(16 * 1024 * 1024)
  let offset = 0
  const upload = async (parts: number) => {
    for (let n = 0; n < parts; n++, offset += part.length)
      assert.equal((await send('append_v2', { cursor: { session_id, offset } }, part)).text, 'null')
    return memory(child)
  }
  const before = await upload(4)
  if (before === null) {
    t.skip('this system does not tell the memory of another process in /proc')
    return
  }
  const after = await upload(16)
  assert.ok((after ?? 0) - before < 64 * 1024 * 1024, `${before} → ${after ?? 0} bytes`)
})

/** The resident memory of a process in bytes; null where the system has no /proc. */
async function memory(child: ChildProcess): Promise<number | null> {
  const status = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  return kilobytes === undefined ? null : Number(kilobytes) * 1024
}
