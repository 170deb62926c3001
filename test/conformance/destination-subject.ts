/** What the suites of a destination's contract share: the destination, its far side, and what is done to it again and again. */
import assert from 'node:assert/strict'
import type { Commit, Destination, StoredObject, Upload } from '../../src/pipeline/contract/destination.ts'
import { ObjectDigest, type DigestName } from '../../src/pipeline/contract/digests.ts'
import { BackupError, type ErrorCode } from '../../src/pipeline/contract/errors.ts'

export interface DestinationUnderTest {
  /** A destination to this far side; called again, another one, as another process would have it. */
  open(): Destination
  /** Names of all objects the far side shows to a user. */
  visible(): Promise<string[]>
  /** The bytes of an object that the far side holds. */
  read(object: string): Promise<Buffer>
  /** Stores an object in a folder below the destination's; null where there are no folders. */
  readonly storeBelow: ((object: string) => Promise<void>) | null
  close(): Promise<void>
}
export const never = new AbortController().signal
export const KIB = 1024
export const BLOCK = 4 * KIB * KIB

/** With every digest that there is. */
export function commitOf(
  data: Buffer,
  offset: number,
): Commit & { readonly digests: Readonly<Record<DigestName, string>> } {
  const digest = new ObjectDigest()
  digest.update(data)
  return { offset, tail: [data.subarray(offset)], bytes: data.length, digests: digest.digests() }
}

export const flip = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)

export async function rejectsWith(code: ErrorCode, call: Promise<unknown>): Promise<BackupError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof BackupError, `a BackupError, not ${String(error)}`)
    assert.equal(error.code, code, error.message)
    return error
  }
  assert.fail(`was expected to reject with ${code}`)
}
/** A destination under test, opened for a suite. */
export class Subject {
  readonly kind: string
  readonly make: () => Promise<DestinationUnderTest>
  #far: DestinationUnderTest | null = null
  #destination: Destination | null = null
  #serial = 0
  readonly #opened: Destination[] = []

  constructor(kind: string, make: () => Promise<DestinationUnderTest>) {
    this.kind = kind
    this.make = make
  }

  async open(): Promise<void> {
    this.#far = await this.make()
    this.#destination = this.another()
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((one) => one.close()))
    await this.far.close()
  }

  get far(): DestinationUnderTest {
    assert.ok(this.#far)
    return this.#far
  }

  get destination(): Destination {
    assert.ok(this.#destination)
    return this.#destination
  }

  /** Every request but the last is a multiple of so many bytes. */
  readonly unit = async (): Promise<number> => {
    const upload = await this.another().begin(this.fresh(), never)
    await upload.abort()
    return upload.requests.multiple
  }

  readonly fresh = (): string => `dicom_backup_2026-01-01_00-00-${String((this.#serial += 1)).padStart(2, '0')}.zip`

  readonly another = (): Destination => {
    const one = this.far.open()
    this.#opened.push(one)
    return one
  }

  readonly upload = async (data: Buffer, request: number): Promise<string> => {
    const object = this.fresh()
    const open = await this.destination.begin(object, never)
    let held = 0
    while (held + request < data.length) {
      held = await open.append(held, [data.subarray(held, held + request)], never)
      assert.deepEqual((await this.far.visible()).includes(object), false, 'visible before commit')
    }
    const stored = await open.commit(commitOf(data, held), never)
    assert.equal(stored.bytes, data.length)
    assert.deepEqual(await this.far.read(object), data)
    return object
  }

  /** Sends `data` up to `end` in requests of `unit`, as far as they go. */
  readonly appended = async (open: Upload, data: Buffer, from: number, end: number, unit: number): Promise<number> => {
    let held = from
    while (held + unit <= end) held = await open.append(held, [data.subarray(held, held + unit)], never)
    return held
  }

  readonly readBack = async (object: StoredObject, from: number, to: number): Promise<Buffer> => {
    const chunks: Buffer[] = []
    for await (const chunk of this.destination.read(object, { from, to }, never)) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }

  readonly storedAs = async (data: Buffer): Promise<StoredObject> => {
    const stored = await this.destination.stat(await this.upload(data, 1 << 30), never)
    assert.ok(stored)
    return stored
  }
}
