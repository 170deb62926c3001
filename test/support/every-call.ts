/** Runs in this process to a folder, small enough to try something at every call that they make to the file system. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { asBackupError } from '../../src/pipeline/contract/errors.ts'
import { checkArchive } from '../stages/zip/archive-bytes.ts'
import { stillOpen } from './fault-files.ts'
import { arm, type FileFault } from './fault-script.ts'
import { makeRig, onlyNas, type Rig, type Settings } from './rig.ts'
import { runHere, type HereOptions } from './run-here.ts'

const KIB = 1024

/** What is left of a run at one moment: its state folder and the destination's. */
export interface Moment {
  readonly folder: string
  /** Whether a byte of the archive has come to the destination. */
  readonly isSent: boolean
}

/** All but what a run shows to others of how far it is: that is written beside it, at times of its own. */
const notForOthers = (file: string): boolean => !path.basename(file).startsWith('running.json')

/** An archive of two parts, sent in six requests: a large entry and some small ones. */
export class EveryCall {
  readonly #rig: Rig
  readonly #files: ReadonlyMap<string, Buffer>
  /** Null: files only. */
  readonly #dump: string | null
  #moments = 0

  private constructor(rig: Rig, files: ReadonlyMap<string, Buffer>, dump: string | null) {
    this.#rig = rig
    this.#files = files
    this.#dump = dump
  }

  static async create(t: Pick<TestContext, 'after'>, database: (Settings & { readonly name: string }) | null) {
    const nas = (onlyNas['destinations'] as readonly Settings[]).map((one) => ({ ...one, chunkSize: 1024 * KIB }))
    const rig = await makeRig(t, {
      destinations: nas,
      archive: { compression: 'store' },
      ...(database === null ? {} : { database }),
    })
    const files = new Map([
      ['a.dcm', randomBytes(10)],
      ['b/large.dcm', randomBytes(4600 * KIB)],
      ['c.dcm', Buffer.alloc(50 * KIB, 'packs well')],
    ])
    for (const [name, bytes] of files) await rig.put(name, bytes)
    return new EveryCall(rig, files, database === null ? null : `database/${database.name}.sql`)
  }

  /** Everything is as it was at a moment; null: as if there had been no run. */
  async goBack(moment: Moment | null): Promise<void> {
    for (const folder of [this.#rig.state, this.#rig.nas]) rmSync(folder, { recursive: true, force: true })
    if (moment === null) await mkdir(this.#rig.nas)
    else cpSync(moment.folder, this.#rig.folder, { recursive: true })
  }

  /**
   * What is on the disk, as kill -9 leaves it, before each call of a run. (What the system carries out at the same time is
   * there or not.)
   */
  async moments(): Promise<Moment[]> {
    const moments: Moment[] = []
    const { state, nas } = this.#rig
    const root = path.join(this.#rig.folder, `moments ${(this.#moments += 1)}`)
    const report = arm({
      folders: [state, nas],
      nth: 0,
      kind: 'none',
      onCall: (n) => {
        const folder = path.join(root, String(n))
        for (const one of [state, nas].filter((one) => existsSync(one))) {
          cpSync(one, path.join(folder, path.basename(one)), { recursive: true, filter: notForOthers })
        }
        moments.push({ folder, isSent: readdirSync(nas).some((name) => statSync(path.join(nas, name)).size > 0) })
      },
    })
    await this.#run({})
    assert.equal(report().calls, moments.length)
    return moments
  }

  /** A run in which a call fails, or all that write from there on. Resolves with the call; null when there was none. */
  async faulty(kind: FileFault, nth: number): Promise<string | null> {
    const report = arm({ folders: [this.#rig.state, this.#rig.nas], nth, kind })
    const { code, told } = await this.#run({})
    const { hit } = report()
    assert.deepEqual(stillOpen(), [], `${hit}: no file stays open`)
    if (hit === null) assert.deepEqual([code, told], [0, 'completed'])
    else assert.doesNotMatch(told, /E_INTERNAL/, `${hit}: it knows what has failed`)
    return hit
  }

  /**
   * The next run, without a fault: the archive is there, whole and once, and nothing else. One that was whole before may
   * have been recorded as done: then there is nothing to resume.
   */
  async mustBeCompleted(what: string): Promise<void> {
    arm({ folders: [], nth: 0, kind: 'none' })
    const { nas, state } = this.#rig
    const [before = ''] = (await readdir(nas)).filter((name) => name.endsWith('.zip'))
    const { code, told } = await this.#run(before === '' ? {} : { mode: 'resume' })
    assert.equal(code, 0, `${what}: ${told}`)
    const [name = '', ...others] = await readdir(nas)
    assert.deepEqual(others, [], `${what}: one archive`)
    assert.ok(name.endsWith('.zip') && (before === '' || name === before), `${what}: ${name}`)
    const { contents, skipped } = checkArchive(await readFile(path.join(nas, name)))
    assert.deepEqual([...skipped], [], what)
    const found = [...contents.keys()].filter((entry) => !entry.endsWith('/')).sort()
    const wanted = [...this.#files.keys()].map((file) => `dicom_files/${file}`)
    assert.deepEqual(found, (this.#dump === null ? wanted : [...wanted, this.#dump]).sort(), what)
    for (const [file, bytes] of this.#files) assert.ok(contents.get(`dicom_files/${file}`)?.equals(bytes), what)
    if (this.#dump !== null)
      assert.match(contents.get(this.#dump)?.toString('latin1').slice(-60) ?? '', /-- Dump comple/)
    assert.deepEqual(await readdir(path.join(state, 'runs')).catch(() => []), [], `${what}: nothing of the run is left`)
  }

  async #run(options: HereOptions): Promise<{ readonly code: number; readonly told: string }> {
    try {
      const { code, result } = await runHere(this.#rig, options)
      return { code, told: result.status === 'completed' ? 'completed' : JSON.stringify(result) }
    } catch (error) {
      return { code: 1, told: `${asBackupError(error).code}: ${String(error)}` }
    }
  }
}
