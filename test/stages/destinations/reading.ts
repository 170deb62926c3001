/** What tests of reading share: all of a range, and the error that a read ends with. */
import assert from 'node:assert/strict'
import type { Destination, StoredObject } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'

const never = new AbortController().signal

export async function readAll(
  destination: Destination,
  object: StoredObject,
  from = 0,
  to = object.bytes,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of destination.read(object, { from, to }, never)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

export async function rejects(code: string, remedy: string, call: Promise<unknown>): Promise<BackupError> {
  const error = await call.then(
    () => assert.fail('was expected to reject'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof BackupError, String(error))
  assert.deepEqual([error.code, error.remedy], [code, remedy], error.message)
  assert.match(error.message, /^hospital-/)
  return error
}
