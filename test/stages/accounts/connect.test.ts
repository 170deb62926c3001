import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { connectAccount, type ConnectOptions } from '../../../src/stages/accounts/connect.ts'
import type { SignIn } from '../../../src/stages/accounts/sign-ins.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import type { DestinationFault } from '../../../src/stages/config/types.ts'
import { html } from '../../../src/stages/stand-ins/answer.ts'
import { DRIVE, DROPBOX, freePort, unconnectedRig } from '../../support/connecting.ts'
import type { Rig } from '../../support/rig.ts'

/** Connects by hand: what is pasted is what `spoil` makes of what the page gives. */
async function byHand(
  rig: Rig,
  name: string,
  spoil: (text: string) => string = (text) => text,
  options: Partial<ConnectOptions> & { readonly fault?: DestinationFault } = {},
): Promise<SignIn | BackupError> {
  const config = loadConfig(rig.configFile)
  const found = config.destinations.find((one) => one.name === name)
  assert.ok(found !== undefined)
  const { fault, ...others } = options
  let pasted = ''
  try {
    return await connectAccount(config, fault === undefined ? found : { ...found, fault }, {
      clientId: null,
      port: null,
      loopback: false,
      onAddress: ({ address }) => {
        pasted = spoil((name === DROPBOX ? rig.dropbox : rig.drive).consent(address))
      },
      paste: () => Promise.resolve(pasted),
      signal: new AbortController().signal,
      ...others,
    })
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error))
    return error
  }
}

const kept = (rig: Rig): boolean => existsSync(path.join(rig.state, 'sign-ins'))

describe('connecting by hand', () => {
  const wrong: readonly (readonly [what: string, name: string, (text: string) => string, says: RegExp])[] = [
    ['nothing', DROPBOX, () => ' ', /No code was given/],
    ['a code that is none', DROPBOX, () => 'made-up', /the code is not valid.*Start again/],
    ['nothing, for an address', DRIVE, () => '', /not the address that the browser showed.*copy the whole address/],
    ['the code alone', DRIVE, (text) => new URL(text).searchParams.get('code') ?? '', /not the address/],
    ["another attempt's address", DRIVE, (text) => text.replace('state=', 'state=x'), /not the address/],
    ['an address without a code', DRIVE, (text) => text.replace('code=', 'cod='), /not the address/],
    ['a code that is not good', DRIVE, (text) => text.replace('code=', 'code=x'), /the code is not valid/],
    ['a refusal', DRIVE, (text) => text.replace('code=', 'error=access_denied&x='), /refused at .*\(access_denied\)/],
    ['a refusal in strange words', DRIVE, (text) => text.replace('code=', 'error=%1b[31m&x='), /\(no reason given\)/],
  ]
  test('with what is not the answer is E_AUTH, says so, and keeps nothing', async (t) => {
    const rig = await unconnectedRig(t)
    for (const [what, name, spoil, says] of wrong) {
      const error = await byHand(rig, name, spoil)
      assert.ok(error instanceof BackupError, what)
      assert.equal(error.code, 'E_AUTH')
      assert.match(`${error.message} ${error.advice}`, says, what)
    }
    assert.equal(kept(rig), false)
  })

  test('keeps a sign-in only when it works', async (t) => {
    const rig = await unconnectedRig(t)
    rig.dropbox.faults.add({ route: 'account', nth: 'every', fault: { kind: 'answer', answer: html(503) } })
    const error = await byHand(rig, DROPBOX)
    assert.ok(error instanceof BackupError && error.code === 'E_DESTINATION')
    assert.equal(kept(rig), false)
    rig.dropbox.faults.clear()
    assert.ok(!((await byHand(rig, DROPBOX)) instanceof BackupError))
    assert.equal(kept(rig), true)
  })

  test('mends a token that is missing or bad, and no other fault', async (t) => {
    const rig = await unconnectedRig(t)
    const words = { message: `${DROPBOX}: wrong.`, advice: 'Mend it.' }
    const other = await byHand(rig, DROPBOX, undefined, { fault: { code: 'E_CONFIG', ...words } })
    assert.ok(other instanceof BackupError)
    assert.deepEqual([other.code, other.message], ['E_CONFIG', words.message])
    assert.equal(rig.dropbox.requests.count(), 0)
    const mended = await byHand(rig, DROPBOX, undefined, { fault: { code: 'E_AUTH', ...words } })
    assert.ok(!(mended instanceof BackupError))
  })

  test('ends when nobody consents', async (t) => {
    const rig = await unconnectedRig(t)
    const paste = async (signal: AbortSignal): Promise<string> => {
      await sleep(10_000, null, { signal })
      return ''
    }
    for (const options of [{ paste }, { loopback: true, port: await freePort() }]) {
      const error = await byHand(rig, DROPBOX, undefined, { ...options, consentMs: 20 })
      assert.ok(error instanceof BackupError && error.code === 'E_AUTH')
      assert.match(`${error.message} ${error.advice}`, /no consent within .* Start again/)
    }
    assert.equal(kept(rig), false)
  })

  test('that is stopped is E_ABORTED', async (t) => {
    const rig = await unconnectedRig(t)
    const controller = new AbortController()
    const reason = new BackupError('E_ABORTED', 'stopped')
    const paste = async (signal: AbortSignal): Promise<string> => {
      controller.abort(reason)
      await sleep(10_000, null, { signal })
      return ''
    }
    const error = await byHand(rig, DRIVE, undefined, { paste, signal: controller.signal })
    assert.ok(error instanceof BackupError && error.code === 'E_ABORTED')
    assert.equal(kept(rig), false)
  })
})
