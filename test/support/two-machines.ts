/**
 * Two machines with the same tables: two folders, each with a configuration and a state folder of its own. Whoever uploads
 * does so to the same Dropbox, whose requests tell whether two did at once.
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { stringify } from 'yaml'
import { lastingCli } from './lasting-cli.ts'
import type { MariaDb } from './mariadb.ts'
import { makeViewerRig, type ViewerRig } from './viewer-rig.ts'

export interface Machines {
  readonly viewer: ViewerRig
  /** The configuration of each machine. */
  readonly configs: readonly [string, string]
}

export async function twoMachines(t: TestContext, server: MariaDb): Promise<Machines> {
  const viewer = await makeViewerRig(t, server)
  const { rig, sections, query } = viewer
  // One destination is enough, and it is the viewer's.
  await query("DELETE FROM backup_accounts WHERE account_name = 'Drive'")
  const configOf = async (machine: string): Promise<string> => {
    const folder = path.join(rig.folder, machine)
    await mkdir(folder)
    const file = path.join(folder, 'dicom-backup.yaml')
    const settings = {
      ...sections,
      dicom: { root: rig.root },
      endpoints: { dropbox: rig.dropbox.origin },
      destinations: [],
      log: { level: 'silent' },
    }
    await writeFile(file, stringify(settings))
    return file
  }
  return { viewer, configs: [await configOf('one'), await configOf('two')] }
}

/** Lets both start a run at once, over and over: never do two run at the same time, and never none. */
export async function startAtOnce(t: TestContext, server: MariaDb, rounds: number): Promise<void> {
  const { viewer, configs } = await twoMachines(t, server)
  const { rig, pages } = viewer
  const machines = await Promise.all(configs.map(async (config) => ({ config, cli: await lastingCli(t) })))
  let runs = 0
  for (let round = 0; round < rounds; round += 1) {
    const before = rig.dropbox.requests.count()
    const running = machines.map(({ config, cli }) => cli(['run', '--json', '--config', config]))
    // In the first round they meet for certain: one may not finish before the other has ended.
    if (round === 0) {
      rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'held', until: Promise.race(running), at: 'arrival' } })
    }
    const ended = await Promise.all(running)
    const stored = ended.filter(({ code }) => code === 0)
    const locked = ended.filter(({ code }) => code === 4)
    assert.equal(stored.length + locked.length, 2, JSON.stringify(ended))
    assert.ok(stored.length > 0, 'never none')
    for (const { stdout } of locked) assert.match(stdout, /E_LOCKED.*Another backup run is active/)
    if (round === 0) assert.equal(locked.length, 1)
    runs += stored.length
    // A session is begun, filled and finished before another is begun.
    const routes = rig.dropbox.requests.latest().filter(({ n, route }) => n > before && /^(start|finish)$/.test(route))
    assert.equal(
      routes.map(({ route }) => route).join(),
      Array.from({ length: stored.length }, () => 'start,finish').join(),
    )
  }
  assert.equal((await pages()).backedUp, runs)
  assert.equal(new Set(rig.dropbox.objects().map(({ path: name }) => name)).size, runs)
}
