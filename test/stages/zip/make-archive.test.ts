import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { readEntries, readManifest } from '../../support/zip-entries.ts'
import { READERS } from '../../support/zip-readers.ts'
import { everyReaderAccepts, make, names, place, sha256 } from './archive-maker.ts'

const MIB = 1024 * 1024
const POSIX_ONLY = process.platform === 'win32' && 'Windows has no such names'

describe('an archive', () => {
  for (const compression of ['store', 'fast'] as const) {
    test(`holds files of every size around a piece, a small file and a part, and says so (${compression})`, async (t) => {
      const here = await place(t)
      const files = new Map<string, Buffer>()
      for (const edge of [0, MIB, WHOLE_FILE_BYTES, 2 * PART_BYTES]) {
        for (const size of [edge - 1, edge, edge + 1].filter((one) => one >= 0)) {
          const half = Math.ceil(size / 2)
          files.set(`study/${size}.bin`, Buffer.concat([randomBytes(half), Buffer.alloc(size - half, 'pixel')]))
        }
      }
      const mtime = new Date(2020, 5, 7, 8, 9, 10, 123)
      for (const [name, bytes] of files) await here.put(name, bytes, mtime)
      const dump = randomBytes(3 * MIB + 1)
      const { counts, progress, leftOut, bytes } = await make(here, { compression, dump })

      assert.equal((await stat(here.archive)).size, bytes)
      await everyReaderAccepts(here.archive)
      const entries = await readEntries(here.archive)
      assert.equal(names(entries)[0], 'database/viewer.sql')
      assert.equal(entries.length, files.size + 2)
      const lines = new Map((await readManifest(here.archive)).slice(1).map((line) => [line['path'], line]))
      assert.equal(lines.size, files.size + 1, 'a line for each entry but the manifest')
      const expected = new Map([...files].map(([name, content]) => [`dicom_files/${name}`, content]))
      for (const [name, content] of expected.set('database/viewer.sql', dump)) {
        const entry = entries.find((one) => one.name === name)
        assert.equal(entry?.size, content.length, name)
        assert.equal(entry.sha256, sha256(content), name)
        assert.equal(entry.method, compression === 'store' ? 0 : 8, name)
        const line = lines.get(name)
        assert.deepEqual([line?.['size'], line?.['sha256']], [content.length, sha256(content)], name)
        if (content === dump) continue
        assert.deepEqual(entry.date, [2020, 6, 7, 8, 9, 10], name)
        assert.equal(line?.['mtime'], mtime.toISOString(), name)
      }
      const fileBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
      assert.deepEqual([counts.files, counts.fileBytes, counts.skipped, counts.dead], [files.size, fileBytes, 0, 0])
      assert.deepEqual([progress.filesDone, progress.bytesDone], [files.size, fileBytes + dump.length])
      assert.deepEqual(leftOut, [])
    })
  }

  test('begins with the dump, has the files in the order of the plan and ends with the manifest', async (t) => {
    const here = await place(t)
    // Small and large ones by turns, and more of them than are read ahead.
    for (let n = 0; n < 150; n += 1) await here.put(`${n}`, Buffer.alloc(n % 30 === 7 ? WHOLE_FILE_BYTES + n : n, n))
    const items: WalkItem[] = []
    for (let n = 149; n >= 0; n -= 1) {
      const name = String((n * 7) % 150)
      const { size, mtimeMs } = await stat(path.join(here.root, name))
      items.push({ path: name, size, mtimeMs })
    }
    await make(here, { items, dump: Buffer.from('-- dump') })
    const planned = items.map((item) => `dicom_files/${'path' in item ? item.path : ''}`)
    const order = ['database/viewer.sql', ...planned, 'backup-manifest.ndjson']
    assert.deepEqual(names(await readEntries(here.archive)), order)
    assert.deepEqual(
      (await readManifest(here.archive)).slice(1).map((line) => line['path']),
      order.slice(0, -1),
    )
  })

  test('without dump and files is one all the same, with its manifest', async (t) => {
    const here = await place(t)
    await make(here)
    await everyReaderAccepts(here.archive)
    assert.deepEqual(names(await readEntries(here.archive)), ['backup-manifest.ndjson'])
  })

  test(
    'takes names with backslashes, dots and line separators as they are, of small and of large files',
    { skip: POSIX_ONLY },
    async (t) => {
      const here = await place(t)
      const odd = ['ends\\', '..\\up.dcm', 'a\\..\\..\\b', 'C:\\x', 'line\u2028separator', 'paragraph\u2029', '\\']
      for (const name of odd) {
        await here.put(`small-${name}`, Buffer.from(name))
        await here.put(`large-${name}`, Buffer.alloc(WHOLE_FILE_BYTES + 1, name))
      }
      const { leftOut } = await make(here)
      assert.deepEqual(leftOut, [])
      const stored = names(await readEntries(here.archive)).slice(0, -1)
      const expected = odd.flatMap((name) => [`dicom_files/small-${name}`, `dicom_files/large-${name}`])
      assert.deepEqual(stored.sort(), expected.sort())
      for (const reader of ['bsdtar', 'python'] as const) await assert.doesNotReject(READERS[reader]!(here.archive))
    },
  )

  test('takes files of any age; their exact times stand in the manifest', async (t) => {
    const here = await place(t)
    const times = [
      -1,
      -1000,
      Date.UTC(1904, 0, 1),
      0,
      Date.UTC(1979, 11, 31),
      Date.UTC(2038, 0, 20),
      Date.UTC(2200, 1, 2),
    ]
    for (const [n, time] of times.entries()) {
      await here.put(`small-${n}`, Buffer.from('x'), new Date(time))
      await here.put(`large-${n}`, Buffer.alloc(WHOLE_FILE_BYTES + 1), new Date(time))
    }
    const { leftOut } = await make(here)
    assert.deepEqual(leftOut, [])
    await everyReaderAccepts(here.archive)
    for (const line of (await readManifest(here.archive)).slice(1)) {
      const name = String(line['path']).replace('dicom_files/', '')
      const { mtime } = await stat(path.join(here.root, name))
      assert.equal(line['mtime'], mtime.toISOString(), name)
    }
  })
})
