/** Output that cannot be written: every command ends with 1, none stops before its work is done, and none with a stack. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'

const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts')

interface Ended {
  readonly code: number | null
  /** Of the stream that could be written. */
  readonly other: string
}

/** Runs it with one of its streams on a full disk, or on a pipe that nobody reads any more. */
async function withLost(lost: 'stdout' | 'stderr', how: 'full' | 'closed', args: readonly string[]): Promise<Ended> {
  const full = openSync('/dev/full', 'w')
  const to = how === 'full' ? full : ('pipe' as const)
  const [out, err] = lost === 'stdout' ? [to, 'pipe' as const] : ['pipe' as const, to]
  const child: ChildProcess = spawn(process.execPath, [main, ...args], { stdio: ['ignore', out, err] })
  closeSync(full)
  if (how === 'closed') (lost === 'stdout' ? child.stdout : child.stderr)?.destroy()
  const rest = lost === 'stdout' ? child.stderr : child.stdout
  const [other, [code]] = await Promise.all([
    rest === null ? '' : text(rest),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, other }
}

async function aRig(t: Parameters<typeof makeRig>[0]): Promise<Rig> {
  const rig = await makeRig(t, { ...onlyNas, retention: { days: 30 } })
  await rig.put('a.dcm', 'pixels')
  return rig
}

const backups = (rig: Rig): number => readdirSync(rig.nas).length

describe('output that cannot be written', { skip: process.platform !== 'linux' && 'there is no /dev/full' }, () => {
  test('ends every command with 1, and says so on stderr', async (t) => {
    const rig = await aRig(t)
    assert.equal((await rig.run()).code, 0)
    const [archive = ''] = readdirSync(rig.nas)
    const commands: readonly (readonly string[])[] = [
      ['status'],
      ['history'],
      ['accounts'],
      ['accounts', 'test'],
      ['schedule', 'show'],
      ['prune', '--dry-run'],
      ['verify'],
      ['restore', '--list'],
      ['restore', archive, '--to', path.join(rig.folder, 'restored')],
      ['run', '--dry-run'],
      ['doctor'],
    ]
    for (const [n, words] of commands.entries()) {
      // Every other one with --json: each has one way out for both.
      const args = [...words, '--config', rig.configFile, ...(n % 2 === 0 ? [] : ['--json'])]
      const { code, other } = await withLost('stdout', 'full', args)
      assert.equal(code, 1, `${words.join(' ')}\n${other}`)
      assert.match(other, /could not be written to standard output \(ENOSPC\)/, words.join(' '))
      assert.doesNotMatch(other, /\n +at /)
    }
    for (const words of [['--help'], ['--version'], ['run', '--help']]) {
      assert.equal((await withLost('stdout', 'full', words)).code, 1, words.join(' '))
    }
  })

  test('does not keep a backup from being made, on either stream, in either way', async (t) => {
    const rig = await aRig(t)
    let made = 0
    for (const lost of ['stdout', 'stderr'] as const) {
      for (const how of ['full', 'closed'] as const) {
        for (const json of [[], ['--json']]) {
          // With --json nothing is said on stderr when all is well.
          if (lost === 'stderr' && json.length > 0) continue
          const { code, other } = await withLost(lost, how, ['run', '--config', rig.configFile, ...json])
          assert.equal(code, 1, `${lost} ${how} ${json.join()}\n${other}`)
          assert.doesNotMatch(other, /\n +at /)
          made += 1
          assert.equal(backups(rig), made, `${lost} ${how}`)
          // The next one has a name of its own.
          await new Promise((resolve) => setTimeout(resolve, 1100))
        }
      }
    }
  })

  test('a reader that went away is no news, and a wrong command stays one', async () => {
    const { code, other } = await withLost('stdout', 'closed', ['--help'])
    assert.deepEqual([code, other], [1, ''])
    assert.equal((await withLost('stderr', 'full', ['frob'])).code, 2)
  })
})
