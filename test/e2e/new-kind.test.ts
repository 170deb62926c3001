/** The program with one kind of destination more (test/support/shelf-kind.ts), as its user meets it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { SHELF_KEY } from '../support/shelf-kind.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { withThisProcess } from '../support/with-this-process.ts'

const base = path.resolve(import.meta.dirname, '../..')
const MORE = pathToFileURL(path.join(base, 'test/support/with-shelf.ts')).href

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function cli(folder: string, ...args: readonly string[]): Promise<Ended> {
  const main = path.join(base, 'src/cli/main.ts')
  const [program, ...words] = withThisProcess([process.execPath, `--import=${MORE}`, main, ...args])
  const child = spawn(program, words, { cwd: folder, env: { ...process.env, NO_COLOR: '1' } })
  child.stdin.end()
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

const WRONG = 'wrong-key-2645751'

test('a run stores into a destination of a new kind, every command names it, and its secret is in no output', async (t) => {
  const folder = await tempFolder(t)
  const shelf = path.join(folder, 'shelf')
  for (const name of ['dicom_files', 'shelf', 'other']) await mkdir(path.join(folder, name))
  await writeFile(path.join(folder, 'dicom_files', 'a.dcm'), 'x'.repeat(5000))
  const hall = { name: 'hall', type: 'shelf', folder: 'shelf', lock: { shelfKey: SHELF_KEY } }
  const nook = { name: 'nook', type: 'shelf', folder: 'other', lock: { shelfKey: WRONG } }
  const configure = (destinations: readonly object[]): Promise<void> =>
    writeFile(path.join(folder, 'dicom-backup.yaml'), stringify({ dicom: { root: 'dicom_files' }, destinations }))
  const said: string[] = []
  const json = async (code: number, ...args: readonly string[]): Promise<unknown> => {
    const ended = await cli(folder, ...args, '--json')
    assert.equal(ended.code, code, ended.stdout + ended.stderr)
    said.push(ended.stdout, ended.stderr)
    return JSON.parse(ended.stdout) as unknown
  }

  await configure([hall])
  const run = (await json(0, 'run')) as { status: string; archive: { name: string }; destinations: { type: string }[] }
  assert.deepEqual([run.status, run.destinations.map(({ type }) => type)], ['completed', ['shelf']])
  assert.deepEqual(await readdir(shelf), [run.archive.name])

  await configure([hall, nook])
  const both = (await json(3, 'run')) as {
    destinations: { name: string; status: string; error: { message: string } }[]
  }
  assert.deepEqual(
    both.destinations.map(({ name, status }) => [name, status]),
    [
      ['hall', 'completed'],
      ['nook', 'failed'],
    ],
  )
  assert.equal(both.destinations[1]?.error.message, 'nook: the shelf refuses the key [secret]. Not [secret].')
  const status = (await json(3, 'status')) as {
    accounts: { name: string; signIn: { state: string; advice: string } }[]
  }
  assert.deepEqual(
    status.accounts.map(({ name, signIn }) => [name, signIn.state]),
    [
      ['hall', 'ok'],
      ['nook', 'lapsed'],
    ],
  )
  assert.equal(status.accounts[1]?.signIn.advice, 'Ask the librarian for the key of nook.')
  const { accounts } = (await json(0, 'accounts')) as { accounts: { type: string; signedInBy: string }[] }
  assert.deepEqual(new Set(accounts.map((one) => `${one.type}, ${one.signedInBy}`)), new Set(['shelf, shelf key']))
  const { checks } = (await json(1, 'doctor')) as { checks: { name: string; ok: boolean; detail: string }[] }
  const checked = checks.filter(({ name }) => name.startsWith('destination'))
  assert.match(checked[0]?.detail ?? '', /^the librarian, may write to .*shelf, /)
  assert.deepEqual([checked[1]?.ok, checked[1]?.detail], [false, 'nook: the shelf refuses the key [secret].'])
  const { backups } = (await json(0, 'archives')) as {
    backups: { name: string; destinations: { name: string; ok: boolean }[] }[]
  }
  const first = backups.find(({ name }) => name === run.archive.name)
  assert.deepEqual(
    first?.destinations.map(({ name, ok }) => [name, ok]),
    [['hall', true]],
  )
  const verified = (await json(0, 'verify', run.archive.name, '--from', 'hall')) as { checks: { method: string }[] }
  assert.deepEqual(
    verified.checks.map(({ method }) => method),
    ['provider-hash'],
  )
  const connecting = await cli(folder, 'accounts', 'connect', 'hall')
  assert.equal(connecting.code, 2, connecting.stderr)
  assert.match(connecting.stderr, /hall is a shelf; only Dropbox and Google Drive need a sign-in\./)

  const log = await readFile(path.join(folder, 'logs', 'backup_scheduler.log'), 'utf8')
  assert.match(log, /the shelf refuses the key \[secret\]/)
  for (const words of [log, ...said, connecting.stderr])
    for (const key of [SHELF_KEY, WRONG]) assert.ok(!words.includes(key), words)
})
