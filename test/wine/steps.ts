/** What the checks have in common. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { RestoreResult, RunResult } from '../../src/stages/contract/results.ts'
import { ContentHash } from '../../src/stages/stand-ins/digests.ts'
import { built, REPOSITORY, type Running, type Windows } from './windows.ts'

export const MIB = 1 << 20

export const IMAGES: Readonly<Record<string, Buffer>> = {
  'images/Müller, Jörg/CT 1/IM0001.dcm': randomBytes(300_000),
  'images/放射線 🩻/IM0002.dcm': randomBytes(50_000),
  "images/größe & 'names'.txt": Buffer.from('odd names'),
  'images/empty.dcm': Buffer.alloc(0),
  [`images/${'long folder name'.repeat(8)}/${'and a long one below'.repeat(7)}/x.dcm`]: randomBytes(1000),
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

export function contentHash(bytes: Uint8Array): string {
  const hash = new ContentHash()
  hash.update(bytes)
  return hash.digests().contentHash
}

export async function archivesIn(windows: Windows, folder = 'nas'): Promise<string[]> {
  return (await readdir(windows.path(folder))).filter((name) => name.endsWith('.zip')).sort()
}

export interface Failure {
  readonly error: { readonly code: string; readonly message: string }
}

export async function asRun(windows: Windows, ...words: string[]) {
  const { code, result } = await windows.json(...words)
  return { code, result: result as RunResult }
}

export async function asRestore(windows: Windows, ...words: string[]) {
  const { code, result } = await windows.json(...words)
  return { code, result: result as RestoreResult }
}

export async function asFailure(windows: Windows, ...words: string[]) {
  const { code, result } = await windows.json(...words)
  return { code, result: result as Failure }
}

export async function mustBeStored(windows: Windows, ...words: string[]): Promise<RunResult> {
  const { code, result } = await asRun(windows, 'run', ...words)
  assert.equal(code, 0, JSON.stringify(result))
  assert.equal(result.status, 'completed')
  return result
}

/** The programs that this machine's people use say that the archive is whole. */
export function mustBeWhole(archive: string): void {
  const { status, stdout } = spawnSync('unzip', ['-tqq', archive], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
}

/** Resolves when there is a file that ends so and has so many bytes. */
export async function grown(folder: string, ending: string, bytes: number, running: Running): Promise<void> {
  while (running.process.exitCode === null) {
    const name = (await readdir(folder)).find((one) => one.endsWith(ending))
    if (name !== undefined && statSync(path.join(folder, name)).size >= bytes) return
    await sleep(20)
  }
  throw new Error(`the run ended before: ${JSON.stringify(await running.end)}`)
}

/** A program that opens a file and keeps it open until it is stopped. `alone`: nobody else may open it. */
export async function holdOpen(windows: Windows, file: string, alone = false): Promise<() => Promise<void>> {
  // UV_FS_O_EXLOCK of libuv: no sharing.
  const flags = alone ? 0x10000002 : 0
  const holder = windows.start([
    '-e',
    `require('fs').openSync(${JSON.stringify(file)}, ${flags}); console.log('open'); setInterval(() => {}, 1000)`,
  ])
  while (!holder.said().includes('open')) await sleep(20)
  return async () => {
    holder.process.kill('SIGKILL')
    await holder.end
  }
}

export async function demo(windows: Windows, running: Running): Promise<void> {
  const { code, stdout, stderr } = await running.end
  assert.equal(code, 0, `${stdout}${stderr}`)
  const folder = windows.path('dicom-backup-demo')
  const [copy = ''] = await archivesIn(windows, 'dicom-backup-demo/nas')
  mustBeWhole(path.join(folder, 'nas', copy))
  const stored: string[] = []
  for (const service of ['dropbox', 'google-drive']) {
    for (const name of await readdir(path.join(folder, service))) stored.push(path.join(folder, service, name))
  }
  const copies = [path.join(folder, 'nas', copy), ...stored.filter((file) => file.endsWith('.zip'))]
  assert.equal(copies.length, 3, stored.join('\n'))
  const hashes = new Set(await Promise.all(copies.map(async (file) => md5(await readFile(file)))))
  assert.equal(hashes.size, 1, 'the three copies are the same')
}

export async function killedRun(windows: Windows, bytes: number): Promise<string> {
  await windows.configure({ archive: { compression: 'store' } })
  await writeFile(windows.path('images/large.dcm'), randomBytes(bytes))
  const running = windows.start([built('cli/main.js'), 'run'])
  await grown(windows.path('nas'), '.partial', 32 * MIB, running)
  running.process.kill('SIGKILL')
  await running.end
  const [partial = ''] = await readdir(windows.path('nas'))
  return partial.replace(/\.partial$/, '')
}

/** A backup of the folder `linux`, made by this machine's own program into `nas`. Gives its name. */
export async function linuxBackup(windows: Windows): Promise<string> {
  const file = windows.path('linux.yaml')
  await writeFile(
    file,
    stringify({
      dicom: { root: windows.path('linux') },
      state: { dir: windows.path('linux-state') },
      destinations: [{ name: 'nas', type: 'local', folder: windows.path('nas') }],
    }),
  )
  const words = [path.join(REPOSITORY, 'dist/cli/main.js'), 'run', '--config', file, '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
  return (JSON.parse(stdout) as RunResult).archive?.name ?? ''
}
