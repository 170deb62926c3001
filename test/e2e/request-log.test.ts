/** At level `debug` the log has one line for each request to a service, and no secret. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { RequestLine } from '../../src/stages/http/request-line.ts'
import { makeRig, SECRETS } from '../support/rig.ts'

interface Line extends RequestLine {
  readonly level: string
  readonly msg: string
}

const SIZE = 9 << 20

test('a run at level debug logs each request with method, offset, bytes, time and status, and no secret', async (t) => {
  const rig = await makeRig(t, { log: { level: 'debug', file: 'run.log' }, archive: { compression: 'store' } })
  await rig.put('a.dcm', randomBytes(SIZE))
  rig.drive.faults.add({ route: 'chunk', nth: 1, fault: { kind: 'lost' } })
  const { code, stdout } = await rig.cli('run', '--json')
  assert.equal(code, 0, stdout)
  const text = await readFile(path.join(rig.folder, 'run.log'), 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === 'request')
  const of = (name: string): Line[] => lines.filter(({ destination }) => destination === name)
  assert.equal(of('hospital-dropbox').length, rig.dropbox.requests.latest().length)
  assert.equal(of('hospital-drive').length, rig.drive.requests.latest().length)
  for (const { level, method, bytes, ms, status, error } of lines) {
    assert.equal(level, 'debug')
    assert.match(method, /^(GET|POST|PUT|PATCH|DELETE)$/)
    assert.ok(bytes >= 0 && ms >= 0 && (status === null) === (error !== null))
  }
  const [lost, ...others] = lines.filter(({ error }) => error !== null)
  assert.deepEqual([lost?.destination, lost?.status, others], ['hospital-drive', null, []])
  for (const name of ['hospital-dropbox', 'hospital-drive']) {
    const sent = of(name).filter(({ bytes, status }) => bytes > 100_000 && status !== null)
    const offsets = sent.map(({ offset }) => offset)
    assert.ok(sent.reduce((sum, { bytes }) => sum + bytes, 0) >= SIZE, name)
    assert.deepEqual(
      offsets,
      offsets.toSorted((a, b) => Number(a) - Number(b)),
      name,
    )
    assert.equal(offsets[0], 0)
    assert.ok(offsets.every((offset) => offset !== null))
  }
  for (const secret of Object.values(SECRETS)) assert.ok(!text.includes(secret))
  assert.ok(lines.every((line) => !line.path.includes('?')))
})

test('at level info there are none', async (t) => {
  const rig = await makeRig(t, { log: { level: 'info', file: 'run.log' } })
  await rig.put('a.dcm', 'x')
  assert.equal((await rig.cli('run', '--json')).code, 0)
  assert.doesNotMatch(await readFile(path.join(rig.folder, 'run.log'), 'utf8'), /"msg":"request"/)
})
