import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { CASES } from '../../bench/cases/index.ts'
import { BadArguments, readArguments } from '../../bench/harness/arguments.ts'
import { missingPrograms, packagesOf } from '../../bench/harness/needs.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { toyCase } from './place.ts'

const bad: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['--rounds', 'abc'], /--rounds needs a number/],
  [['--rounds', '0'], /--rounds needs a number/],
  [['--rounds', '-1'], /--rounds/],
  [['--rounds', '1.5'], /--rounds needs a number/],
  [['--only', 'typo'], /no contender typo/],
  [['stored', '--only', 'find'], /no contender find/],
  [['no-such-case'], /no case no-such-case/],
  [['--no-such-option'], /--no-such-option/],
  [['--against', '/no/such/folder'], /has no tsconfig.build.json/],
  [['--pin', '--rounds', '1'], /--pin needs whole cases/],
  [['--pin', '--only', 'limit'], /--pin needs whole cases/],
]
for (const [args, message] of bad) {
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(
      () => readArguments(args, CASES),
      (error) => error instanceof BadArguments && message.test(error.message),
    )
  })
}

test('wrong arguments exit 2 before anything is measured', () => {
  const main = path.resolve(import.meta.dirname, '../../bench/main.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--rounds', 'abc'], { encoding: 'utf8' })
  assert.deepEqual([status, stdout], [2, ''])
  assert.match(stderr, /--rounds needs a number from 1 to 9999, not abc/)
})

test('another checkout needs its packages', async (t) => {
  const root = path.resolve(import.meta.dirname, '../..')
  assert.equal(readArguments(['--against', root], CASES).against, root)
  const folder = await tempFolder(t)
  assert.throws(() => readArguments(['--against', folder], CASES), BadArguments)
})

test('cases without a contender that is asked for are left out', () => {
  const names = readArguments(['--only', 'unzip'], CASES).cases.map(({ name }) => name)
  assert.deepEqual(names, ['restore-stored', 'restore-deflated', 'restore-small'])
})

test('programs that a peer needs are named by their packages before anything starts', () => {
  const peer = { name: 'peer', what: '', needs: ['node', 'no-such-zip'], run: () => Promise.reject(new Error()) }
  const one = toyCase({ peers: [peer] })
  assert.deepEqual(missingPrograms([one], []), ['no-such-zip'])
  assert.deepEqual(missingPrograms([one], ['dicom-backup']), [])
  assert.deepEqual(packagesOf(['bsdtar', 'md5sum', 'sha256sum', 'zip']), ['libarchive-tools', 'coreutils', 'zip'])
})

test('every goal is about contenders that its case has', () => {
  for (const { name, own, peers, goals } of CASES) {
    const contenders = [...own, ...peers].map((one) => one.name)
    assert.equal(new Set(contenders).size, contenders.length, `${name} has two of one name`)
    for (const { reached } of goals) {
      reached((wanted) => {
        assert.ok(contenders.includes(wanted), `${name} has no contender ${wanted}`)
        const spread = { median: 1, min: 1, max: 1 }
        return {
          ...{ name: wanted, isOwn: true, twinOf: null, rounds: 1, bytesOut: 1 },
          ...{ value: spread, ms: spread, cpuMs: spread, peakBytes: spread },
        }
      })
    }
  }
})
