import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ProgressReporter } from '../../src/pipeline/contract/progress.ts'
import type { Beginning, Mark, Source } from '../../src/pipeline/contract/source.ts'
import { deliver } from '../support/deliver.ts'
import { ByteSource, ByteWorld, madeUp } from '../support/byte-source.ts'
import { openKeeping, ringFile, watchSyncs } from '../support/keeping.ts'
import { memoryDestination } from '../support/memory-destination.ts'
import { observed } from '../support/observed.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MIB = 1 << 20
const archive = madeUp('archive', 3 * PART_BYTES)
const at = (offset: number): Mark => ({ offset, place: { at: offset } })

/** Makes the first `bytes` of the archive with these marks, then fails. */
function failingAfter(bytes: number, marks: readonly Mark[]): Source {
  return {
    make: async function* () {
      let from = 0
      for (const mark of marks) {
        if (mark.offset > from) yield archive.subarray(from, mark.offset)
        yield await Promise.resolve(mark)
        from = mark.offset
      }
      if (from < bytes) yield archive.subarray(from, bytes)
      // More than these bytes, so that the last part is full and goes out.
      yield Buffer.from('x')
      throw new BackupError('E_DUMP', 'the dump broke off')
    },
    sync: () => Promise.resolve(),
    remake: async function* (from) {
      yield await Promise.resolve(archive.subarray(from?.offset ?? 0))
    },
  }
}

const run = async (folder: string, source: Source): Promise<void> => {
  const runStore = await openKeeping(folder)
  try {
    const { failure } = await deliver({
      source,
      object: 'a.zip',
      destinations: [memoryDestination('d')],
      runStore,
      reporter: new ProgressReporter(['d']),
      signal: new AbortController().signal,
    })
    assert.equal(failure?.code, 'E_DUMP')
  } finally {
    await runStore.close()
  }
}

/** Where the source is told to begin, after parts were made with these marks. */
async function beginningAfter(folder: string, parts: number, marks: readonly Mark[], how: 'kept' | 'no ring' | 'lost') {
  const earlier = failingAfter(parts * PART_BYTES, marks)
  await run(folder, earlier)
  if (how !== 'kept') await rm(ringFile(folder))
  const told: Beginning[] = []
  const source: Source = {
    ...earlier,
    ...(how === 'lost' ? { remake: () => gone() } : {}),
    make: async function* (beginning) {
      yield* []
      told.push(beginning)
      throw await Promise.resolve(new BackupError('E_DUMP', 'the dump broke off'))
    },
  }
  await run(folder, source)
  const [beginning] = told
  assert.ok(beginning)
  return beginning
}

async function* gone(): AsyncGenerator<Uint8Array> {
  yield* []
  throw await Promise.resolve(new BackupError('E_SOURCE', 'gone'))
}

describe('a later process', () => {
  const cases: readonly { readonly parts: number; readonly marks: readonly number[]; readonly from: number | null }[] =
    [
      { parts: 0, marks: [0, 100], from: null },
      { parts: 1, marks: [], from: null },
      { parts: 1, marks: [0], from: 0 },
      { parts: 1, marks: [0, 1000, PART_BYTES - 1], from: PART_BYTES - 1 },
      { parts: 1, marks: [0, PART_BYTES], from: PART_BYTES },
      { parts: 2, marks: [0, 5 * MIB, 6 * MIB + 3], from: 6 * MIB + 3 },
      { parts: 3, marks: [0, 1 * MIB], from: 1 * MIB },
      { parts: 3, marks: [0, 2 * PART_BYTES], from: 2 * PART_BYTES },
    ]
  for (const how of ['kept', 'no ring', 'lost'] as const) {
    test(`has the source begin at the last mark before what is fixed, with the bytes between (${how})`, async (t) => {
      for (const { parts, marks, from } of cases) {
        const { mark, end, between } = await beginningAfter(await tempFolder(t), parts, marks.map(at), how)
        const what = `${parts} parts, marks at ${marks.join(', ')}`
        assert.deepEqual(mark, from === null ? null : at(from), what)
        assert.equal(end, parts * PART_BYTES, what)
        const expected = archive.subarray(from ?? 0, end)
        if (how === 'lost' && expected.length > 0) assert.equal(between, null, what)
        else if (parts === 0) assert.equal(between, null, what)
        else assert.ok(between !== null && expected.equals(between), what)
      }
    })
  }
})

describe('what cannot be made durable', () => {
  for (const what of ['record', 'index', 'source'] as const) {
    test(`is never sent: a sync of the ${what} fails at any call`, { timeout: 600_000 }, async (t) => {
      const world = new ByteWorld([1 * MIB, 6 * MIB, 4 * MIB, MIB / 2])
      for (let failing = 1; ; failing += 1) {
        const runStore = await openKeeping(await tempFolder(t))
        let calls = 0
        let failed = false
        const fail = (): void => {
          if ((calls += 1) < failing) return
          failed = true
          throw new BackupError('E_STATE', 'The disk has gone.')
        }
        /** What is on the disk of each: a part is there when it is in all of them. */
        let durable = 0
        let indexed = 0
        watchSyncs(runStore.record, () => {
          if (what === 'record') fail()
          const { parts, bytes } = runStore.record.state.made
          assert.ok(parts <= indexed, 'noted before the index had it')
          return () => {
            durable = Math.max(durable, bytes)
          }
        })
        watchSyncs(runStore.index, () => {
          if (what === 'index') fail()
          const { count } = runStore.index
          return () => {
            indexed = Math.max(indexed, count)
          }
        })
        const source = new ByteSource(world, () => {
          if (what === 'source') fail()
        })
        const sent = [0, 0]
        const all = [PART_BYTES, 3 * MIB].map((requestBytes, n) =>
          observed(memoryDestination(`d${n}`, { requestBytes }), ({ name, offset, bytes, answered }) => {
            if (answered || (name !== 'append' && name !== 'commit')) return
            assert.ok(offset + bytes <= durable, `sent up to ${offset + bytes}, durable up to ${durable}`)
            sent[n] = offset + bytes
          }),
        )
        const reporter = new ProgressReporter(['d0', 'd1'])
        const signal = new AbortController().signal
        const { failure, outcomes } = await deliver({
          source,
          object: 'a.zip',
          destinations: all,
          runStore,
          reporter,
          signal,
        })
        await runStore.close()
        if (!failed) {
          assert.deepEqual(sent, [world.whole().length, world.whole().length])
          assert.ok(failing > 3, 'the loop went through every call')
          break
        }
        if (failure?.code === 'E_STATE' || outcomes.some(({ error }) => error?.code === 'E_STATE')) continue
        // Only the note of what is stored could not be written: that takes nothing back.
        assert.equal(what, 'record')
        assert.ok(outcomes.every(({ stored }) => stored?.bytes === world.whole().length))
      }
    })
  }
})
