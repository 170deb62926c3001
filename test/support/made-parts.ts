/** Parts of an archive that are made already, with all the places where a PartReader finds them. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { Copies } from '../../src/pipeline/parts/copies.ts'
import { PartPool } from '../../src/pipeline/parts/part.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { PartIndex } from '../../src/pipeline/parts/part-index.ts'
import type { PartSources } from '../../src/pipeline/parts/part-reader.ts'
import { PartRing } from '../../src/pipeline/parts/part-ring.ts'
import type { Mark, Source } from '../../src/pipeline/contract/source.ts'
import { tempFolder } from './temp-folder.ts'

/** A pool that counts what is out. */
export class CountedPool extends PartPool {
  out = 0
  override take(): Uint8Array {
    this.out += 1
    return super.take()
  }
  override recycle(part: { readonly bytes: Uint8Array }): void {
    this.out -= 1
    super.recycle(part)
  }
}

export interface MadeOptions {
  /** Parts that the ring keeps. */
  readonly slots?: number
  /** In ascending order; the place is not looked into. */
  readonly marks?: readonly Mark[]
  readonly source?: Pick<Source, 'remake'>
  /** Destinations that are on their way. */
  readonly working?: number
}

export async function madeParts(
  t: Pick<TestContext, 'after'>,
  archive: Buffer,
  { slots = 24, marks = [], source = remakeNothing, working = 1 }: MadeOptions = {},
): Promise<PartSources & { readonly pool: CountedPool }> {
  const folder = await tempFolder(t)
  const index = await PartIndex.open(path.join(folder, 'parts'), 0)
  const ring = await PartRing.open(path.join(folder, 'ring'), slots)
  t.after(() => index.close())
  t.after(() => ring.close())
  for (let at = 0; at < archive.length; at += PART_BYTES) {
    const bytes = archive.subarray(at, at + PART_BYTES)
    const mark = marks.findLast(({ offset }) => offset <= at + bytes.length) ?? null
    index.add({ sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, mark })
    await ring.put(at / PART_BYTES, bytes)
  }
  await index.sync()
  return { index, ring, source, copies: new Copies(working), pool: new CountedPool() }
}

const remakeNothing: Pick<Source, 'remake'> = {
  remake: async function* () {
    yield* await Promise.resolve([])
  },
}
