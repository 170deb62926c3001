import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { PassThrough, Readable } from 'node:stream'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fromReadable } from '../../../src/pipeline/flow/from-readable.ts'

async function collected(readable: Readable): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of fromReadable(readable)) {
    chunks.push(chunk)
    await turn() // while the reader is busy more is buffered
  }
  return chunks
}

test('chunks come through as they are: in order, not joined, not copied', async () => {
  const sent = Array.from({ length: 50 }, (_, n) => Buffer.from(`chunk ${n}`))
  const stream = new PassThrough({ highWaterMark: 1_000_000 })
  for (const chunk of sent) stream.write(chunk)
  stream.end()
  const got = await collected(stream)
  assert.equal(got.length, sent.length)
  for (const [n, chunk] of got.entries()) assert.equal(chunk, sent[n])
})

test('all bytes of a child process come through, and a stream without any ends', async () => {
  const child = spawn(process.execPath, [
    '-e',
    'for (let i = 0; i < 40; i++) process.stdout.write(Buffer.alloc(99999, i))',
  ])
  const bytes = Buffer.concat(await collected(child.stdout))
  assert.equal(bytes.length, 40 * 99_999)
  for (let i = 0; i < 40; i++) assert.equal(bytes[i * 99_999], i)
  assert.deepEqual(await collected(Readable.from([])), [])
})

test('the stream is held back while nobody reads', async () => {
  let made = 0
  const stream = new Readable({
    highWaterMark: 1000,
    read() {
      made++
      this.push(Buffer.alloc(1000))
    },
  })
  const reader = fromReadable(stream)
  await reader.next()
  for (let n = 0; n < 20; n++) await turn()
  assert.ok(made <= 4, `${made} chunks were made for one that was read`)
  await reader.return(undefined)
  assert.equal(stream.destroyed, true)
})

test("the stream's own error comes after the chunks before it; a stream closed early is no end", async () => {
  const failing = new PassThrough()
  failing.write('one')
  const reader = fromReadable(failing)
  assert.deepEqual(await reader.next(), { done: false, value: Buffer.from('one') })
  const next = reader.next()
  failing.destroy(new Error('the disk is gone'))
  await assert.rejects(next, /the disk is gone/)

  const closed = new PassThrough()
  closed.write('one')
  await assert.rejects(
    async () => {
      for await (const _ of fromReadable(closed)) closed.destroy()
    },
    { code: 'ERR_STREAM_PREMATURE_CLOSE' },
  )
})

test('an error that comes after the reader has left is not thrown at the process', async () => {
  const stream = new PassThrough()
  stream.write('one')
  for await (const _ of fromReadable(stream)) break
  stream.emit('error', new Error('late'))
  await turn()
})
