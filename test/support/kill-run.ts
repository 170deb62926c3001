/** One archive whose run is killed again and again, and what came of it. */
import { cp, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { checkArchives } from './archive-check.ts'
import type { CleanRun } from './kill-moment.ts'
import { Story, type KillOptions } from './kill-story.ts'
import { mustBeAllowed, repeatedBytes, type Repeated } from './repeated-bytes.ts'
import { makeRig, type Rig } from './rig.ts'
import type { Seeded } from './seed.ts'
import { requestsOf } from './small-rig.ts'
import { Sources } from './source-changes.ts'
import { requestCount } from './traffic.ts'

const KIB = 1024
const MIB = 1024 * KIB

export interface KilledArchive extends Repeated {
  readonly kills: number
  /** Of the archive. */
  readonly bytes: number
  /** What a run like this takes that nobody kills: of use only where nobody did. */
  readonly clean: CleanRun
}

/** KILL_KEEP names a folder that everything of a failed archive is copied to. */
const KEEP = process.env['KILL_KEEP']

/** Bytes of a request to each destination: small, so that a small archive has many. */
const REQUEST_BYTES = { dropbox: 4 * MIB, drive: 512 * KIB, nas: MIB }

/** Makes an archive folder, backs it up, kills that as often as is wanted, lets it finish and checks what is stored. */
export async function killArchive(t: Pick<TestContext, 'after'>, options: KillOptions): Promise<KilledArchive> {
  const { random, database, say } = options
  const rig = await makeRig(t)
  await rig.configure({ database: database.section, ...requestsOf(REQUEST_BYTES) })
  const sources = await Sources.create(rig, random, {
    small: 60,
    medium: 3,
    large: [random.between(6 * MIB, 12 * MIB), random.between(6 * MIB, 12 * MIB)],
  })
  // Slower than the machine, and not both alike.
  slow(rig, random)
  const story = new Story(rig, options, sources)
  try {
    const startedAt = performance.now()
    const result = await story.run()
    const ms = performance.now() - startedAt
    const bytes = await checkArchives(rig, story.name ?? '', {
      sources,
      database: { check: database.check, name: database.name, from: story.databaseFrom },
      result,
    })
    const { kills, before } = story
    const measured = repeatedBytes({ rig, kills, requestBytes: REQUEST_BYTES, before, bytes, result })
    if (!story.isLossDear) mustBeAllowed(measured)
    const clean = { ms, requests: requestCount(rig), bytes: 2 * bytes }
    return { ...measured, kills, bytes, clean }
  } catch (error) {
    say(await readFile(path.join(rig.folder, 'logs/backup_scheduler.log'), 'utf8').catch(() => 'There is no log.'))
    if (KEEP !== undefined) await cp(rig.folder, KEEP, { recursive: true })
    throw error
  }
}

function slow(rig: Rig, random: Seeded): void {
  const rates = [12 * MIB, 24 * MIB]
  const dropboxRate = random.pick(rates)
  const rate = { dropbox: dropboxRate, drive: rates.find((one) => one !== dropboxRate) ?? dropboxRate }
  for (const route of ['append', 'finish']) {
    rig.dropbox.faults.add({ route, nth: 'every', fault: { kind: 'slow', bytesPerSecond: rate.dropbox } })
  }
  for (const route of ['chunk', 'final']) {
    rig.drive.faults.add({ route, nth: 'every', fault: { kind: 'slow', bytesPerSecond: rate.drive } })
  }
}
