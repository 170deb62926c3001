/** Runs that are held up in their middle, so that something can be done to their sources. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { globSync, readFileSync, statSync } from 'node:fs'
import { readFile, truncate } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WINDOW_PARTS } from '../../src/pipeline/deliver.ts'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { deadBytes } from './dead-bytes.ts'
import { makeRig, SECRETS, type Rig } from './rig.ts'
import { readEntries, readManifest, type ReadEntry } from './zip-entries.ts'
import { READERS } from './zip-readers.ts'

export const MIB = 1024 * 1024
/** More than a run keeps on its way: what comes after it has not been read while Dropbox stands still. */
export const FILLER_BYTES = 72 * MIB

/**
 * Goes to Dropbox alone, which can be held up: beside another destination it would be let go. Stores as it is, so that
 * empty files fill the window.
 */
export async function slowRig(t: TestContext): Promise<Rig> {
  const rig = await makeRig(t, {
    archive: { compression: 'store' },
    destinations: [{ name: 'dropbox', type: 'dropbox', folder: '/DICOM_Backups', accessToken: SECRETS.dropboxToken }],
  })
  return rig
}

/** Files behind the filler that are read ahead of their turn, however long that is: a few batches of 64. */
export async function putReadAhead(rig: Rig, name: string): Promise<void> {
  for (let n = 0; n < 400; n += 1) await rig.put(`${name} ${n}`, '')
}

/** A file of zeros, which takes no time to make. Put a small one before it: an archive begins with the first there is. */
export async function putZeros(rig: Rig, name: string, bytes: number): Promise<void> {
  await rig.put(name, '')
  await truncate(path.join(rig.root, name), bytes)
}

/** Bytes of the index of the archive's parts, which grows as they are made. */
const made = (rig: Rig): number =>
  globSync('runs/*/parts', { cwd: rig.state }).reduce((sum, file) => sum + statSync(path.join(rig.state, file)).size, 0)

/** Of a full window, each part of which has a record of 512 bytes; the last is in the making, or waits for room. */
const FULL_BYTES = (WINDOW_PARTS - 1) * 512

/** Whether no thread of the process runs, waits for a processor or for a disk: all wait for something from outside. */
function isAtRest(pid: number): boolean {
  const states = globSync(`/proc/${pid}/task/*/stat`).map((file) => {
    try {
      // The name before it may hold anything.
      return readFileSync(file, 'utf8').split(') ').at(-1)?.[0]
    } catch {
      return 'ended'
    }
  })
  return states.every((state) => state === 'S')
}

/**
 * Waits until a session is open, then lets Dropbox stand still, and waits until nothing moves any more in `run`. To be
 * called before the run begins to send.
 */
export async function heldUp(rig: Rig, run: ChildProcess): Promise<void> {
  const paused = Promise.withResolvers<undefined>()
  rig.dropbox.faults.add({ route: 'start', fault: { kind: 'held', until: paused.promise, at: 'after-commit' } })
  const goesOn = (): boolean => run.exitCode === null && run.signalCode === null
  while (goesOn() && rig.dropbox.faults.unused().length > 0) await sleep(5)
  rig.dropbox.pause()
  paused.resolve(undefined)
  // Its ticker wakes it now and then.
  for (let last = 0, quiet = 0; goesOn() && quiet < 15;) {
    await sleep(20)
    const now = made(rig)
    quiet = now === last && now >= FULL_BYTES && isAtRest(run.pid ?? 0) ? quiet + 1 : 0
    last = now
  }
}

export interface Run {
  readonly code: number | null
  readonly result: RunResult
}

/** A run that is held up in its middle for `change`. */
export async function runDuring(rig: Rig, change: () => Promise<unknown>): Promise<Run> {
  const changing = Promise.withResolvers<undefined>()
  const meanwhile = async (child: ChildProcess): Promise<void> => {
    try {
      await heldUp(rig, child)
      await change()
      changing.resolve(undefined)
    } catch (error) {
      changing.reject(error)
    } finally {
      rig.dropbox.resume()
    }
  }
  const onStart = (child: ChildProcess): void => {
    void meanwhile(child)
  }
  const { code, stdout } = await rig.cliWith({ onStart }, 'run', '--json')
  await changing.promise
  return { code, result: JSON.parse(stdout) as RunResult }
}

/** Opens the archive in every reader, holds each entry against its manifest line, and returns the entries by name. */
export async function checkedArchive(
  rig: Rig,
  { result }: Run,
): Promise<{ entries: Map<string, ReadEntry>; skipped: Map<string, string>; dead: number }> {
  const { file, path: name } = rig.dropbox.objects()[0]!
  assert.equal(path.posix.basename(name), result.archive?.name)
  for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(file!), `${reader} opens it`)
  // The folder itself is an entry where the first file is streamed; the manifest is of files.
  const entries = (await readEntries(file!)).filter(({ name }) => !name.endsWith('/'))
  const [head, ...lines] = await readManifest(file!)
  const stored = lines.filter((line) => line['skipped'] === undefined)
  const skipped = lines.filter((line) => line['skipped'] !== undefined)
  assert.deepEqual(
    stored.map((line) => [line['path'], line['size'], line['sha256']]),
    entries.slice(0, -1).map(({ name, size, sha256 }) => [name, size, sha256]),
    'the manifest names every entry with the hash of its bytes',
  )
  assert.deepEqual(
    result.skippedFiles,
    skipped.map((line) => ({ path: line['path'], reason: line['skipped'] })),
  )
  const bytes = entries.slice(0, -1).reduce((sum, { size }) => sum + size, 0)
  const dead = await deadBytes(await readFile(file!))
  assert.deepEqual(head?.['counts'], { files: stored.length, bytes, skipped: skipped.length, deadBytes: dead })
  assert.equal(result.archive?.files, stored.length)
  return {
    entries: new Map(entries.map((entry) => [entry.name.replace('dicom_files/', ''), entry])),
    skipped: new Map(
      skipped.map((line) => [String(line['path']).replace('dicom_files/', ''), String(line['skipped'])]),
    ),
    dead,
  }
}
