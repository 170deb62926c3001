/** What tests of listing share. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Destination, StoredObject } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'

const never = new AbortController().signal

export type Listed = StoredObject & { readonly name: string }

export async function listAll(destination: Destination): Promise<Listed[]> {
  const all: Listed[] = []
  for await (const object of destination.list(never)) all.push(object)
  return all
}

export async function store(destination: Destination, name: string, data = randomBytes(3)): Promise<StoredObject> {
  const digest = new ObjectDigest()
  digest.update(data)
  const upload = await destination.begin(name, never)
  return await upload.commit({ offset: 0, tail: [data], bytes: data.length, digests: digest.digests() }, never)
}

export const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `dicom_backup_${String(n).padStart(5, '0')}.zip`)

export async function storeAll(destination: Destination, names: readonly string[], bytes = 3): Promise<void> {
  for (let at = 0; at < names.length; at += 16) {
    await Promise.all(names.slice(at, at + 16).map((name) => store(destination, name, randomBytes(bytes))))
  }
}

/** Each of `names` is among the objects, once, and nothing else is. */
export function assertListed(objects: readonly Listed[], names: readonly string[]): void {
  assert.deepEqual(objects.map(({ name }) => name).sort(), [...names].sort())
  assert.equal(new Set(objects.map(({ id }) => id)).size, objects.length)
}
