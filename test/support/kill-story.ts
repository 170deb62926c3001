/** The runs of one archive: started, killed, started again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { drawMoment, killAt, type CleanRun, type KillMoment } from './kill-moment.ts'
import type { Rig } from './rig.ts'
import { fileInProgress, loseRing, tearJournal } from './run-damage.ts'
import type { Seeded } from './seed.ts'
import type { Sources } from './source-changes.ts'
import { isStoredEverywhere, namesAtNas, traffic, type Traffic } from './traffic.ts'
import type { VersionedDatabase } from './versioned-database.ts'

/**
 * What happens between a kill and the next start. `ring lost`: that file is gone, and sources may change: then the archive
 * may be one that nobody can go on with. `torn journal`: its last line is cut off somewhere.
 */
export type Meanwhile = 'nothing' | 'changes' | 'ring lost' | 'torn journal'

export interface KillOptions {
  readonly random: Seeded
  readonly database: VersionedDatabase
  readonly meanwhile: Meanwhile
  /** How often it is killed, unless it is done before. */
  readonly kills: number
  /** Null: nobody kills this one. */
  readonly clean: CleanRun | null
  /** Tells what happens, for whoever looks for the reason of a failure. */
  readonly say: (text: string) => void
}

export class Story {
  readonly #rig: Rig
  readonly #options: KillOptions
  readonly #sources: Sources
  /** The database's version at the beginning. */
  readonly databaseFrom: number
  /** The archive's, once bytes of it have been sent. */
  name: string | null = null
  /** How often it was killed until now. */
  kills = 0
  #changed = false
  #isRingLost = false
  /** Something was lost that may have to be sent again. */
  isLossDear = false
  /** What had arrived before the last start. */
  before: Traffic

  constructor(rig: Rig, options: KillOptions, sources: Sources) {
    this.#rig = rig
    this.#options = options
    this.#sources = sources
    this.databaseFrom = options.database.version
    this.before = traffic(rig)
  }

  /** Resolves with how the last run ended; null when it had been recorded before it was killed. */
  async run(): Promise<RunResult | null> {
    const { random, clean, kills } = this.#options
    for (;;) {
      const isLast = clean === null || this.kills >= kills
      const moment = isLast ? null : drawMoment(random, clean, Math.min(1, 2 / (kills - this.kills + 1)))
      const ended = await this.#runOnce(moment)
      if (ended === 'lost') continue
      if (ended !== 'killed') return ended
      this.kills += 1
      await this.#afterKill()
      await this.#meanwhile()
    }
  }

  async #runOnce(moment: KillMoment | null): Promise<RunResult | null | 'killed' | 'lost'> {
    const rig = this.#rig
    this.before = traffic(rig)
    // What is stored everywhere may have been recorded as well: then another `run` would be another backup.
    const isStored = isStoredEverywhere(rig)
    const command = isStored || (this.name !== null && this.#options.random.chance(0.3)) ? 'resume' : 'run'
    this.#options.say(`${command}, to be killed at ${JSON.stringify(moment)}`)
    let killing = Promise.resolve()
    let isKilled = false
    const { code, stdout, stderr } = await rig.cliWith(
      {
        onStart: (child) => {
          void once(child, 'exit').then(([, signal]) => (isKilled = signal === 'SIGKILL'))
          if (moment !== null) killing = killAt(moment, child, rig)
        },
      },
      command,
      '--json',
    )
    await killing
    if (isKilled) return 'killed'
    const result = JSON.parse(stdout) as RunResult
    if (result.status === 'skipped' && isStored) return null
    if (this.#mayBeLost() && isLost(result)) {
      this.name = null
      return 'lost'
    }
    assert.ok(code === 0 || code === 3, `exit ${code}: ${stdout}${stderr}`)
    if (this.name !== null && !this.#mayBeLost()) {
      assert.equal(result.resumed, true, 'what had been sent is gone on with')
      assert.equal(result.archive?.name, this.name)
    }
    this.name = result.archive?.name ?? null
    return result
  }

  /** Bytes that were sent to one destination and not to another may be nowhere any more. */
  #mayBeLost(): boolean {
    return this.#isRingLost && this.#changed
  }

  /** Whatever the moment: nothing shows but this one archive. */
  async #afterKill(): Promise<void> {
    const visible = await this.#rig.visible()
    const { dropbox, drive, nas } = traffic(this.#rig)
    this.#options.say(`killed: ${JSON.stringify({ dropbox, drive, nas, visible })}`)
    const names = new Set(visible.map((name) => name.replace(/\.partial$/, '')))
    if (this.name !== null && !this.#mayBeLost()) {
      assert.deepEqual([...names], [this.name], 'it is still the same archive')
    } else if (dropbox + drive + nas > 0) [this.name = null] = names
  }

  async #meanwhile(): Promise<void> {
    const { random, database, meanwhile, say } = this.#options
    if (meanwhile === 'torn journal') this.#damaged(await tearJournal(this.#rig, random), true)
    if (meanwhile === 'ring lost' && random.chance(0.7)) {
      // A dump that was not whole yet cannot be made again.
      const isDear = this.#changed || (await fileInProgress(this.#rig)) === null
      this.#damaged(await loseRing(this.#rig, random), isDear)
      this.#isRingLost = true
    }
    if (meanwhile !== 'changes' && (meanwhile !== 'ring lost' || random.chance(0.5))) return
    for (let n = random.below(4); n > 0; n -= 1) {
      say(await this.#sources.change(await fileInProgress(this.#rig)))
      this.#changed = true
      if (this.#isRingLost) this.isLossDear = true
    }
    if (random.chance(0.3)) {
      await database.change()
      say('change the database')
    }
  }

  /** The files must be there once bytes have been sent. `isDear`: what they held may have to be sent again. */
  #damaged(files: readonly string[], isDear: boolean): void {
    this.#options.say(`damage ${files.join(', ')}`)
    // A ring that was lost before is made anew only when the run goes on.
    const mustBeThere = this.name !== null && !this.#isRingLost && namesAtNas(this.#rig).begun.length > 0
    if (mustBeThere) assert.ok(files.length > 0, 'there is such a file')
    if (files.length > 0 && isDear) this.isLossDear = true
  }
}

/** Nobody can have the archive any more, and nobody has it. */
function isLost({ status, destinations }: RunResult): boolean {
  return status === 'failed' && destinations.some(({ error }) => error?.code === 'E_SOURCE')
}
