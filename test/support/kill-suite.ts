/** Archives killed at random moments, until there were so many kills. */
import assert from 'node:assert/strict'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { killArchive, type KilledArchive } from './kill-run.ts'
import type { Meanwhile } from './kill-story.ts'
import type { CleanRun } from './kill-moment.ts'
import { startMariaDb } from './mariadb.ts'
import { DESTINATIONS } from './repeated-bytes.ts'
import { isWhole, wantedNumber } from './replay.ts'
import { seeded, seedOfRun } from './seed.ts'
import { createVersionedDatabase } from './versioned-database.ts'

const MEANWHILE: readonly Meanwhile[] = ['nothing', 'changes', 'ring lost', 'nothing', 'changes', 'torn journal']

/** The rest would tell no more. */
const MOST_FAILURES = 3

/**
 * Kills runs until there were `kills`, each archive of them in a test of its own that names the words to replay it: its
 * sources, kills and changes.
 * `file`: the test file that calls.
 */
export async function killSuite(t: TestContext, file: string, kills: number): Promise<void> {
  const wanted = wantedNumber()
  if (wanted === null && !isWhole) return // another loop's
  const seed = seedOfRun()
  const server = await startMariaDb()
  t.after(() => server.close())
  const database = await createVersionedDatabase(server, 500)

  let clean: CleanRun | null = null
  let done = 0
  let failures = 0
  const all: KilledArchive[] = []
  const archive = async (n: number, meanwhile: Meanwhile | null): Promise<void> => {
    const words = `KILL_SEED=${seed} KILL_CASE=${n} node --test ${path.relative(process.cwd(), file)}`
    await t.test(meanwhile === null ? 'nobody kills' : `archive ${n}, meanwhile ${meanwhile}`, async (own) => {
      const story: string[] = []
      const random = seeded(seed, n)
      try {
        const killed = await killArchive(own, {
          random,
          database,
          meanwhile: meanwhile ?? 'nothing',
          kills: random.between(3, 7),
          clean,
          say: (text) => story.push(text),
        })
        clean ??= killed.clean
        done += killed.kills
        all.push(killed)
        own.diagnostic(summary(killed))
      } catch (error) {
        failures += 1
        throw new Error(`Replay: ${words}\n${story.join('\n')}`, { cause: error })
      }
    })
  }

  t.diagnostic(`seed ${seed}`)
  await archive(0, null)
  assert.ok(clean !== null, 'a run that nobody kills is whole')
  if (wanted !== null) {
    if (wanted > 0) await archive(wanted, meanwhileOf(wanted))
    return
  }
  for (let n = 1; done < kills && failures < MOST_FAILURES; n += 1) {
    await archive(n, meanwhileOf(n))
    assert.ok(n <= kills, 'archives are done before they are killed')
  }
  t.diagnostic(total(all))
}

const meanwhileOf = (n: number): Meanwhile => MEANWHILE[n % MEANWHILE.length] ?? 'nothing'

function summary({ kills, bytes, repeated, allowed }: KilledArchive): string {
  const again = DESTINATIONS.map((one) => `${one} ${repeated[one]} of ${allowed[one]} allowed`)
  return `${bytes} bytes, killed ${kills} times; sent again: ${again.join(', ')}`
}

function total(all: readonly KilledArchive[]): string {
  const sum = (value: (one: KilledArchive) => number): number => all.reduce((total, one) => total + value(one), 0)
  const kills = sum((one) => one.kills)
  const again = DESTINATIONS.map((one) => {
    const bytes = sum(({ repeated }) => repeated[one])
    return `${one} ${bytes} (${Math.round(bytes / Math.max(1, kills))} a kill)`
  })
  return `${kills} kills of ${all.length} archives of ${sum((one) => one.bytes)} bytes; sent again: ${again.join(', ')}`
}
