import { Uploads, type Delivery, type UploadsInput } from '../../src/pipeline/deliver.ts'
import type { Source } from '../../src/pipeline/contract/source.ts'

export interface DeliverInput extends UploadsInput {
  readonly source: Source
}

/** Brings a source's bytes to the destinations, as a run does whose source takes no preparing. */
export async function deliver({ source, ...input }: DeliverInput): Promise<Delivery> {
  const uploads = new Uploads(input)
  try {
    if (await uploads.begun()) await uploads.send(source)
  } catch (error) {
    uploads.fail(error)
  }
  return await uploads.committed()
}
