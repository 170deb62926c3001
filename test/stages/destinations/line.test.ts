import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Line } from '../../../src/stages/destinations/line.ts'
import type { Transport } from '../../../src/stages/http/types.ts'

const MIB = 1 << 20
const SIZES = [8 * MIB, 16 * MIB, 24 * MIB] as const

/** A line with answers after so many ms, over which bytes go at so many a second; one request has shown it. */
function lineOf({
  answerMs,
  perSecond,
  bytes = 8 * MIB,
}: {
  answerMs: number
  perSecond: number
  bytes?: number
}): Line {
  const line = new Line()
  for (const more of [50, 0, 20]) line.answered(answerMs + more)
  line.sent(bytes, answerMs + (bytes / perSecond) * 1000)
  return line
}

test('requests grow until little of the time goes by with waiting for answers', () => {
  const rows = [
    // 100 Mbit/s across an ocean, then nearer, then a hundredth of it.
    { answerMs: 200, perSecond: 12_500_000, size: 24 },
    { answerMs: 100, perSecond: 5_000_000, size: 16 },
    { answerMs: 200, perSecond: 125_000, size: 8 },
    // A service that is near, however fast the line.
    { answerMs: 20, perSecond: 1e9, size: 8 },
    { answerMs: 1, perSecond: 1e9, size: 8 },
  ]
  for (const { size, ...line } of rows) assert.equal(lineOf(line).suits(SIZES), size * MIB, JSON.stringify(line))
})

test('what a small and a large request show comes to the same size', () => {
  for (const bytes of [MIB, 8 * MIB, 24 * MIB]) {
    assert.equal(lineOf({ answerMs: 100, perSecond: 5_000_000, bytes }).suits(SIZES), 16 * MIB)
  }
})

test('before anything is known requests have the first size, and two slow answers make no line far', () => {
  const line = new Line()
  assert.equal(line.suits(SIZES), 8 * MIB)
  assert.equal(line.mayBeHighLatency, true)
  for (const ms of [5000, 4500]) line.answered(ms)
  line.sent(8 * MIB, 6000)
  assert.deepEqual([line.isHighLatency, line.mayBeHighLatency, line.suits(SIZES)], [false, true, 8 * MIB])
  line.answered(4000)
  assert.deepEqual([line.isHighLatency, line.suits(SIZES)], [true, 24 * MIB])
  line.answered(10)
  assert.deepEqual([line.isHighLatency, line.mayBeHighLatency, line.suits(SIZES)], [false, false, 8 * MIB])
})

test('it learns from the requests of a transport, by what they carry and how they are answered', async () => {
  const line = new Line()
  let status = 200
  const real: Transport = {
    fetch: () => Promise.resolve(new Response('', { status })),
    close: () => undefined,
  }
  const transport = line.over(real)
  const large = [Buffer.alloc(2 * MIB)]
  await transport.fetch('http://x', { method: 'PUT', body: large })
  await transport.fetch('http://x', { method: 'PUT', body: [Buffer.alloc(100_000)] })
  assert.equal(line.mayBeHighLatency, true, 'no answer of a request that carries much tells how far it is')
  await transport.fetch('http://x')
  assert.equal(line.mayBeHighLatency, false)

  // A refusal may come before the bytes were read: they did not go as fast as that.
  const far = new Line()
  for (let n = 0; n < 3; n += 1) far.answered(200)
  status = 429
  await far.over(real).fetch('http://x', { method: 'PUT', body: large })
  assert.equal(far.suits(SIZES), 8 * MIB)
  status = 200
  await far.over(real).fetch('http://x', { method: 'PUT', body: large })
  assert.equal(far.suits(SIZES), 24 * MIB)
})
