import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, rm, utimes } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Mark } from '../../../src/pipeline/contract/source.ts'
import type { ArchiveSource } from '../../../src/stages/zip/archive-source.ts'
import { placeOf } from '../../../src/stages/zip/place.ts'
import { entriesOf } from './archive-bytes.ts'
import { place } from './archive-maker.ts'
import { copyOf, newRun, openSource, readMade } from './archive-run.ts'
import { endings, fileAt, MIB, MTIME, noise, recorded, restore, VANISHING, type Recorded } from './going-on.ts'
import { isAtStart } from './going-on-checks.ts'

/** Reads what is made again, each chunk when it comes; throws what it throws, with the bytes before as `bytes`. */
async function readRemade(source: ArchiveSource, from: Mark | null): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = []
  let error: unknown = null
  try {
    for await (const chunk of source.remake(from)) chunks.push(Buffer.from(chunk))
  } catch (thrown) {
    error = thrown
  }
  return { bytes: Buffer.concat(chunks), error }
}

/** Throws unless it gives the archive's bytes from there on, at least up to `to`, and nothing else behind that. */
async function isRemade(source: ArchiveSource, from: Mark | null, archive: Buffer, to: number): Promise<void> {
  const { bytes, error } = await readRemade(source, from)
  const start = from?.offset ?? 0
  const what = `from ${JSON.stringify(from)} to ${to}`
  // What is under way behind that may be gone.
  if (to === archive.length) assert.equal(error, null, what)
  assert.ok(bytes.length >= to - start, `${what}: ${bytes.length} bytes`)
  assert.ok(bytes.equals(archive.subarray(start, start + bytes.length)), what)
}

/**
 * Throws unless it gives the archive's bytes up to `until` at most, and E_SOURCE. `isSecret`: behind that come others,
 * as nothing but a file's bytes tells that it has changed.
 */
async function isRefused(
  source: ArchiveSource,
  from: Mark | null,
  archive: Buffer,
  { until, isSecret = false }: { readonly until: number; readonly isSecret?: boolean },
): Promise<void> {
  const { bytes, error } = await readRemade(source, from)
  const start = from?.offset ?? 0
  assert.equal((error as { code?: string } | null)?.code, 'E_SOURCE', `from ${JSON.stringify(from)}`)
  const right = isSecret ? bytes.subarray(0, until - start) : bytes
  assert.ok(start + right.length <= until, `${start + right.length} of ${until}`)
  assert.ok(right.equals(archive.subarray(start, start + right.length)))
}

describe('an archive that is made again', () => {
  for (const compression of ['auto', 'store'] as const) {
    for (const dump of [false, true]) {
      const what = `${compression}, ${dump ? 'with' : 'without'} a dump`
      test(`is the same from any place, as far as it is known, twice at once (${what})`, async (t) => {
        const { run, bytes, marks } = await recorded(t, { compression, dump })
        const all = [null, ...marks]
        for (const [n, from] of all.entries()) {
          for (const known of new Set([from, all[n + 1] ?? from, all[n + 3] ?? from, marks.at(-1) ?? null])) {
            const { source } = openSource(run, known)
            const isWhole = known === marks.at(-1)
            const to = isWhole ? bytes.length : (known?.offset ?? 0)
            const twice = isWhole && n % 5 === 0
            await Promise.all(Array.from({ length: twice ? 2 : 1 }, () => isRemade(source, from, bytes, to)))
          }
        }
      })
    }
  }

  test('while it is still being made is the same as far as it was synced, and after its end', async (t) => {
    const { here, run, bytes, marks } = await recorded(t, { compression: 'auto', dump: true })
    const folder = path.join(here.folder, 'second')
    const { source } = openSource({ ...(await copyOf(run, folder)), head: null }, null)
    const told: Mark[] = []
    const going: Promise<void>[] = []
    for await (const chunk of source.make({ mark: null, end: 0, between: null })) {
      if (chunk instanceof Uint8Array) continue
      told.push(chunk)
      await source.sync()
      const from = told.at(-4) ?? null
      going.push(isRemade(source, from, bytes, chunk.offset), isRemade(source, from, bytes, chunk.offset))
      if (told.length % 4 === 0) await Promise.all(going)
    }
    await Promise.all(going)
    assert.equal(told.length, marks.length)
    await source.sync()
    for (const from of [null, ...told]) await isRemade(source, from, bytes, bytes.length)
    await source.close()
  })

  type Change = (file: string, all: Recorded, was: Buffer) => Promise<unknown>
  const changes: Readonly<Record<string, Change>> = {
    // Its last byte: all that comes before is right, and so are the places of all other entries.
    'rewritten, as large and with its old time': (file, { here }, was) =>
      here.put(path.relative(here.root, file), Buffer.concat([was.subarray(0, -1), Buffer.from('x')]), MTIME),
    grown: (file) => appendFile(file, 'x'),
    'grown past what is read whole': (file) => appendFile(file, Buffer.alloc(5 * MIB)),
    deleted: (file) => rm(file),
    'touched, and its bytes the same,': (file) => utimes(file, new Date(), new Date(2025, 5, 5)),
  }
  for (const [what, change] of Object.entries(changes)) {
    test(`with a file that was ${what} is refused up to its entry, and the same behind it`, async (t) => {
      const all = await recorded(t, { compression: 'auto', dump: true })
      const { here, run, bytes, marks, files } = all
      const { source } = openSource(run, marks.at(-1) ?? null)
      const entries = new Map(entriesOf(bytes).map((entry) => [entry.name, entry]))
      for (const [name, was] of files) {
        if (VANISHING.includes(name) || (name === 'empty' && !what.includes('grown'))) continue
        const { start, end } = entries.get(`dicom_files/${name}`)!
        await change(path.join(here.root, name), all, was)
        const isSecret = what.startsWith('rewritten') && name.includes('large')
        const before = [null, ...marks.filter(({ offset }) => offset <= start && offset > start - 3 * MIB)]
        for (const from of before.filter((one) => fileAt(all, one) !== null)) {
          if (placeOf(from).plan < placeAfter(all, name))
            await isRefused(source, from, bytes, { until: start, isSecret })
        }
        for (const from of marks.filter(({ offset }) => offset > start && offset < end)) {
          await isRefused(source, from, bytes, { until: from.offset })
        }
        const behind = marks.filter((one) => placeOf(one).plan >= placeAfter(all, name))
        for (const from of behind.slice(0, 1)) await isRemade(source, from, bytes, bytes.length)
        await restore(all, name)
      }
    })
  }

  test('with dead bytes is refused where they lie, and the same behind them', async (t) => {
    const all = await recorded(t, { compression: 'auto', dump: true })
    const { here, run, bytes, marks } = all
    let count = 0
    for (const [n, ending] of [...endings(all)].entries()) {
      // By the bytes that are lost, an entry begins twice; its first beginning is dead.
      if (n % 3 > 0 || isAtStart(ending) || ending.end === (ending.mark?.offset ?? 0)) continue
      const copy = await copyOf(run, path.join(here.folder, `dead-${n}`))
      const { source } = openSource(copy, ending.mark)
      const rest: Buffer[] = []
      const later: Mark[] = []
      for await (const chunk of source.make({ ...ending, between: null })) {
        if (chunk instanceof Uint8Array) rest.push(Buffer.from(chunk))
        else later.push(chunk)
      }
      await source.sync()
      const archive = Buffer.concat([bytes.subarray(0, ending.end), ...rest])
      for (const [n, from] of later.entries()) {
        if (n % 8 === 0) await isRemade(source, from, archive, archive.length)
      }
      const start = placeOf(ending.mark).large?.start ?? ending.mark?.offset ?? 0
      const before = [null, ...marks.slice(0, ending.mark === null ? 0 : marks.indexOf(ending.mark) + 1)]
      for (const from of before.slice(-3)) {
        const isWithin = (from?.offset ?? 0) > start
        if (placeOf(ending.mark).phase !== 'directory') {
          await isRefused(source, from, archive, { until: isWithin ? (from?.offset ?? 0) : start })
        }
      }
      await source.close()
      await rm(copy.folder, { recursive: true })
      count += 1
    }
    assert.ok(count > 15, `${count} endings`)
  })

  test('has its folder first, also when nothing but that is in', async (t) => {
    const here = await place(t)
    const file = await here.put('large', noise(5 * MIB, 1))
    const folder = path.join(here.folder, 'run')
    await mkdir(folder)
    const run = await newRun({ root: here.root, folder })
    await rm(file)
    const { bytes, marks } = await readMade(openSource(run, null).source)
    assert.deepEqual(
      entriesOf(bytes).map(({ name }) => name),
      ['dicom_files/', 'backup-manifest.ndjson'],
    )
    const { source } = openSource(run, marks.at(-1) ?? null)
    for (const from of [null, ...marks]) await isRemade(source, from, bytes, bytes.length)
  })

  test('before anything of it was made, and noted, gives what there is of it', async (t) => {
    const { here, run, bytes } = await recorded(t, { compression: 'store', dump: true })
    const folder = path.join(here.folder, 'second')
    await mkdir(folder)
    const { files, dump } = await newRun({
      root: here.root,
      folder,
      compression: 'store',
      dump: await readFile(run.files.dump),
    })
    const { source } = openSource({ ...run, folder, files, dump, head: null }, null)
    await isRemade(source, null, bytes, 2 * MIB)
  })
})

/** Position in the plan behind a file. */
function placeAfter({ through }: Recorded, name: string): number {
  for (const [end, one] of through) if (one === name) return end
  throw new RangeError(`${name} is not in the plan`)
}
