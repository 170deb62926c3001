/** A rig with an archive to be verified, and what may be wrong with its copies. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { VerifyCheck, VerifyResult } from '../../src/stages/contract/results.ts'
import { withStateIfAny } from '../../src/cli/command-context.ts'
import { openState } from '../../src/stages/state/open-state.ts'
import { verifyArchive, type VerifyOptions } from '../../src/stages/verify/verify.ts'
import { makeRig, type Rig, type Settings } from './rig.ts'

export const NAMES = ['hospital-dropbox', 'hospital-drive', 'nas'] as const
export type Name = (typeof NAMES)[number]
export const WINDOWS = process.platform === 'win32' && 'Windows has no signals to send'

/** A rig with a stored archive of a few files, among them one with a patient's name in its own. */
export async function stored(t: TestContext, sections: Settings = {}): Promise<{ rig: Rig; archive: string }> {
  const rig = await makeRig(t, { archive: { compression: 'store' }, ...sections })
  for (let n = 0; n < 5; n += 1) await rig.put(`Müller^Jürgen/${n}.dcm`, randomBytes(300_000))
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  return { rig, archive: result.archive!.name }
}

export async function look(rig: Rig, change: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const log: string[] = []
  const note = (fields: object, message: string): void => {
    log.push(`${message} ${JSON.stringify(fields)}`)
  }
  const result = await withStateIfAny(rig.configFile, openState, ({ config, state, lost }) => {
    if (lost !== null) note({}, lost.message)
    return verifyArchive(config, {
      state,
      archive: null,
      from: null,
      deep: false,
      restoreTest: false,
      onWork: () => undefined,
      log: { info: note, warn: note },
      signal: new AbortController().signal,
      ...change,
    })
  })
  assert.doesNotMatch(log.join('\n'), /Müller|Jürgen/)
  return result
}

export const of = ({ checks }: VerifyResult, name: string): VerifyCheck => {
  const found = checks.find(({ destination }) => destination === name)
  assert.ok(found, `${name} is told of`)
  return found
}

/** Flips a bit in the middle of the archive, or where `position` says. */
export async function damage(rig: Rig, archive: string, name: Name, position: number | null = null): Promise<void> {
  if (name !== 'nas') {
    const standIn = name === 'hospital-dropbox' ? rig.dropbox : rig.drive
    const object = standIn.objects().find((one) => path.posix.basename(one.path) === archive)!
    await standIn.flipByte(object, position ?? Math.floor(object.bytes / 2))
    return
  }
  const file = await open(path.join(rig.nas, archive), 'r+')
  const { size } = await file.stat()
  const at = position ?? Math.floor(size / 2)
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at)
  await file.close()
}

export async function takeDown(rig: Rig, name: Name): Promise<void> {
  if (name === 'nas') await rename(rig.nas, `${rig.nas}.away`)
  else await (name === 'hospital-dropbox' ? rig.dropbox : rig.drive).close()
}
