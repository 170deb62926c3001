/** What short commands load: they are called every few minutes, and have to start fast. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { dicomBackup } from '../support/cli.ts'
import { makeRig } from '../support/rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

const PRELOAD = pathToFileURL(path.resolve(import.meta.dirname, '../support/loaded-packages.ts')).href
/** What reads the command line, the configuration and nothing else. */
const SHORT = ['commander', 'yaml', 'zod']

/** The packages that a command loads, whose exit code is 0. */
async function loadedBy(folder: string, args: readonly string[]): Promise<unknown> {
  const file = path.join(folder, 'loaded.json')
  const env = { LOADED_PACKAGES: file, NODE_OPTIONS: `--import=${PRELOAD}` }
  const { code, stdout, stderr } = await dicomBackup(args, { env })
  assert.equal(code, 0, stdout + stderr)
  return JSON.parse(await readFile(file, 'utf8'))
}

test('with nothing to do the hourly call, and what only looks, loads no SDK, no driver, no walk and no log', async (t) => {
  const rig = await makeRig(t, { schedule: { enabled: true, every: '24h' } })
  await rig.put('a.dcm', 'x')
  const { folder, configFile } = rig
  const hourly = ['run', '--if-due', '--config', configFile]
  const making = await loadedBy(folder, hourly)
  assert.ok(Array.isArray(making))
  // With something to do it does load them: what is not loaded below would be seen.
  for (const name of ['dropbox', '@googleapis/drive', 'google-auth-library', 'fast-glob', 'pino']) {
    assert.ok(making.includes(name), `${name} is not among ${making.join(', ')}`)
  }
  assert.ok(!making.includes('log-update'), 'what draws on a terminal is loaded for one')
  const looking = [['status'], ['history'], ['schedule', 'show'], ['accounts']].map((one) => [
    ...one,
    '--config',
    configFile,
  ])
  for (const args of [hourly, ...looking]) assert.deepEqual(await loadedBy(folder, args), SHORT, args.join(' '))
})

test('help and version load what reads the command line alone', async (t) => {
  const folder = await tempFolder(t)
  for (const word of ['--version', '--help']) assert.deepEqual(await loadedBy(folder, [word]), ['commander'], word)
})
