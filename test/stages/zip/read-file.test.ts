import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { FileLeftOut, readWhole, streamLarge, timeOf, WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { tempFolder } from '../../support/temp-folder.ts'

/** Reads a large file and lets something happen to it after the first piece. */
async function readPieces(file: string, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<number> {
  let bytes = 0
  const whole = streamLarge(file, async function* ({ pieces }) {
    for await (const piece of pieces()) {
      bytes += piece.length
      if (bytes === piece.length) await meanwhile()
      yield piece.length
    }
  })
  for await (const _ of whole);
  return bytes
}

const room = (): Buffer => Buffer.alloc(WHOLE_FILE_BYTES)

describe('a small file', () => {
  test('is read whole up to the limit; one byte more has to be streamed', async (t) => {
    const file = path.join(await tempFolder(t), 'a.dcm')
    for (const size of [0, 1, WHOLE_FILE_BYTES - 1, WHOLE_FILE_BYTES, WHOLE_FILE_BYTES + 1]) {
      await writeFile(file, Buffer.alloc(size, 7))
      const room = Buffer.alloc(WHOLE_FILE_BYTES)
      const read = readWhole(file, room)
      if (size > WHOLE_FILE_BYTES) assert.deepEqual(read, { needs: size })
      else assert.ok('state' in read && read.state.size === size)
      if (size <= WHOLE_FILE_BYTES) assert.ok(room.subarray(0, size).equals(Buffer.alloc(size, 7)))
    }
  })

  test('that is gone, or a folder by now, is left out with its reason', async (t) => {
    const folder = await tempFolder(t)
    assert.throws(
      () => readWhole(path.join(folder, 'gone.dcm'), room()),
      (error) => error instanceof FileLeftOut && /no longer/.test(error.reason),
    )
    assert.throws(() => readWhole(folder, room()), FileLeftOut)
  })

  test(
    'that became a symbolic link is not followed',
    { skip: process.platform === 'win32' && 'needs a privilege there' },
    async (t) => {
      const folder = await tempFolder(t)
      await writeFile(path.join(folder, 'secret'), 'x')
      await symlink(path.join(folder, 'secret'), path.join(folder, 'link'))
      assert.throws(
        () => readWhole(path.join(folder, 'link'), room()),
        (error) => error instanceof FileLeftOut && /symbolic link/.test(error.reason),
      )
    },
  )
})

test(
  'a pipe that took the place of a file, small or large, is left out, and nobody waits for who would write to it',
  { skip: process.platform === 'win32' && 'no named pipes in folders', timeout: 600_000 },
  async (t) => {
    const pipe = path.join(await tempFolder(t), 'a.dcm')
    execFileSync('mkfifo', [pipe])
    const isChanged = (error: unknown): boolean =>
      error instanceof FileLeftOut && error.reason === 'changed while it was read'
    await assert.rejects(readPieces(pipe), isChanged)
    assert.throws(() => readWhole(pipe, room()), isChanged)
  },
)

describe('a file that the system shows and does not let be read', () => {
  // Regular files of 4096 bytes whose reading fails with EINVAL on these interfaces.
  const files = ['/sys/class/net/lo/speed', '/sys/class/net/lo/duplex']

  test('is left out, small or large, from its first byte on', async (t) => {
    const file = files.find((one) => existsSync(one) && !isReadable(one))
    if (file === undefined) {
      t.skip('this machine has no such file')
      return
    }
    assert.throws(() => readWhole(file, room()), FileLeftOut)
    await assert.rejects(readPieces(file), FileLeftOut)
  })

  function isReadable(file: string): boolean {
    try {
      readFileSync(file)
      return true
    } catch {
      return false
    }
  }
})

test('a time beyond what a Date can hold is taken for the last one', async (t) => {
  if (process.platform === 'win32' || !existsSync('/dev/shm')) {
    t.skip('needs a file system that has such times')
    return
  }
  const folder = await mkdtemp('/dev/shm/dicom-backup-test-')
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'a.dcm')
  await writeFile(file, 'x')
  await utimes(file, 9e12, 9e12)
  const read = readWhole(file, room())
  assert.ok('state' in read && !Number.isNaN(new Date(read.state.mtimeMs).getTime()))
})

describe('a large file', () => {
  const size = 3 * 1024 * 1024 + 17

  test('comes in pieces, whole', async (t) => {
    const file = path.join(await tempFolder(t), 'a.dcm')
    await writeFile(file, Buffer.alloc(size, 7))
    assert.equal(await readPieces(file), size)
  })

  const changes: Record<string, (file: string) => Promise<void>> = {
    grows: (file) => appendFile(file, 'more'),
    shrinks: (file) => truncate(file, size - 100),
    'is emptied': (file) => truncate(file, 0),
    'is rewritten with the same size': async (file) => {
      await writeFile(file, Buffer.alloc(size, 8))
      await utimes(file, new Date(), new Date(Date.now() + 5000))
    },
  }
  for (const [what, change] of Object.entries(changes)) {
    test(`that ${what} while it is read is told at its end`, async (t) => {
      const file = path.join(await tempFolder(t), 'a.dcm')
      await writeFile(file, Buffer.alloc(size, 7))
      await assert.rejects(
        readPieces(file, () => change(file)),
        (error) => error instanceof FileLeftOut && error.reason === 'changed while it was read',
      )
    })
  }
})

test('a time is the ms that it falls into, before 1970 too', () => {
  const times = [-1.5, -1, -0.25, 0, 0.75, 1.5].map((mtimeMs) => timeOf({ mtimeMs }).getTime())
  assert.deepEqual(times, [-2, -1, -1, 0, 0, 1])
})
